"""netmon compares the SNMP and the mail health of hosts and says why mail is down."""

__version__ = "0.1.0"
