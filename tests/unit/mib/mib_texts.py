"""MIB texts that tests compile."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from netmon.mib.pysmi_run import compile_texts
from netmon.mib.text_compiler import Batch

GOOD = """\
-- DEFINITIONS ::= BEGIN in a comment is none
ACME-MIB DEFINITIONS ::= BEGIN

IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, Integer32, enterprises
        FROM SNMPv2-SMI
    TEXTUAL-CONVENTION, DisplayString
        FROM SNMPv2-TC
    ifIndex
        FROM IF-MIB;

acme MODULE-IDENTITY
    LAST-UPDATED "202601010000Z"
    ORGANIZATION "ACME; FROM NOWHERE-MIB"
    CONTACT-INFO "-"
    DESCRIPTION "-"
    ::= { enterprises 99999 }

Tenths ::= TEXTUAL-CONVENTION
    DISPLAY-HINT "d-1"
    STATUS current
    DESCRIPTION "-"
    SYNTAX Integer32 (-500..2000)

Finer ::= TEXTUAL-CONVENTION
    STATUS current
    DESCRIPTION "-"
    SYNTAX Tenths (0..100)

acmeTable OBJECT-TYPE
    SYNTAX SEQUENCE OF AcmeEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "-"
    ::= { acme 1 }

acmeEntry OBJECT-TYPE
    SYNTAX AcmeEntry
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "-"
    INDEX { ifIndex, IMPLIED acmeName }
    ::= { acmeTable 1 }

AcmeEntry ::= SEQUENCE { acmeName DisplayString, acmeHeat Finer }

acmeName OBJECT-TYPE
    SYNTAX DisplayString (SIZE (1..32))
    MAX-ACCESS not-accessible
    STATUS current
    DESCRIPTION "-"
    ::= { acmeEntry 1 }

acmeHeat OBJECT-TYPE
    SYNTAX Finer
    UNITS "degrees"
    MAX-ACCESS read-write
    STATUS current
    DESCRIPTION "-"
    ::= { acmeEntry 2 }

acmeHot NOTIFICATION-TYPE
    OBJECTS { acmeHeat }
    STATUS current
    DESCRIPTION "-"
    ::= { acme 0 1 }

END
"""

V1 = """\
ACME-V1-MIB DEFINITIONS ::= BEGIN
IMPORTS
    enterprises, Counter, NetworkAddress FROM RFC1155-SMI
    OBJECT-TYPE FROM RFC-1212
    TRAP-TYPE FROM RFC-1215
    DisplayString, ifIndex, snmp FROM RFC1213-MIB;
acmeOld OBJECT IDENTIFIER ::= { enterprises 99998 }
oldTable OBJECT-TYPE SYNTAX SEQUENCE OF OldEntry ACCESS not-accessible STATUS mandatory DESCRIPTION "-"
    ::= { acmeOld 1 }
oldEntry OBJECT-TYPE SYNTAX OldEntry ACCESS not-accessible STATUS mandatory DESCRIPTION "-"
    INDEX { oldAddress, INTEGER } ::= { oldTable 1 }
OldEntry ::= SEQUENCE { oldAddress NetworkAddress, oldCount Counter }
oldAddress OBJECT-TYPE SYNTAX NetworkAddress ACCESS read-only STATUS mandatory DESCRIPTION "-"
    ::= { oldEntry 1 }
oldCount OBJECT-TYPE SYNTAX Counter ACCESS read-only STATUS mandatory DESCRIPTION "-" ::= { oldEntry 2 }
oldFan TRAP-TYPE ENTERPRISE acmeOld VARIABLES { oldCount, ifIndex } DESCRIPTION "-" ::= 7
oldStart TRAP-TYPE ENTERPRISE snmp DESCRIPTION "-" ::= 0
END
"""


def module(name: str, body: str, imports: str = "") -> str:
    """A small module below enterprises.  Its body begins on line 4."""
    return (
        f"{name} DEFINITIONS ::= BEGIN\n"
        "IMPORTS OBJECT-TYPE, Integer32, enterprises FROM SNMPv2-SMI\n"
        f"{imports};\n{body}\nEND\n"
    )


def thing(name: str = "thing", syntax: str = "Integer32", parent: str = "enterprises 99997") -> str:
    """A scalar on one line."""
    clauses = 'MAX-ACCESS read-only STATUS current DESCRIPTION "-"'
    return f"{name} OBJECT-TYPE SYNTAX {syntax} {clauses} ::= {{ {parent} }}"


def write(folder: Path, **texts: str) -> Path:
    """Files of these names, `_` for `-`, with `.txt` behind."""
    for name, text in texts.items():
        (folder / f"{name.replace('_', '-')}.txt").write_text(text, encoding="utf-8")
    return folder


def in_this_process(texts: Mapping[str, str], wanted: Sequence[str], _seconds: float) -> Batch | None:
    """pysmi without a process of its own: quicker, for texts that are not hostile."""
    return compile_texts(texts, wanted)
