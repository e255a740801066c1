"""One root for what netmon raises on purpose, and the closed list of reasons.

`Reason` is an enum because it is a metric label (`netmon_check_reason_info`): nothing that comes
from the network may add a member at run time.  Its values are part of the public surface and are
never renamed.
"""

from enum import StrEnum


class NetmonError(Exception):
    """The root of every exception that netmon raises on purpose."""


class Reason(StrEnum):
    """Why a check run ended as it did; `netmon_check_reason_info{reason}`."""

    OK = "ok"
    # Nothing has been observed yet.
    NOT_RUN = "not_run"

    # The way there, whatever the protocol.
    TIMEOUT = "timeout"  # no answer in time, nothing heard at all
    DEADLINE = "deadline"  # answers came, but the run did not end in time
    REFUSED = "refused"  # TCP reset, or ICMP port unreachable: the host lives
    UNREACHABLE = "unreachable"  # ICMP host or network unreachable from elsewhere
    NO_ROUTE = "no_route"  # this machine has no route or address of that family
    RESOLVE_FAILED = "resolve_failed"  # the resolver did not answer: netmon's own side
    NAME_NOT_FOUND = "name_not_found"  # NXDOMAIN, or no address of the wanted family
    DNSSEC_INVALID = "dnssec_invalid"  # DNS has an answer, and its signatures do not validate
    LOCAL_ERROR = "local_error"  # out of sockets, permission refused: netmon's own side
    CRASHED = "crashed"  # a defect in a probe, contained and logged

    # SNMP
    MALFORMED_REPLY = "malformed_reply"
    AGENT_ERROR = "agent_error"  # error-status in the reply (genErr and the like)
    AUTHORIZATION_ERROR = "authorization_error"  # authorizationError, noAccess
    TOO_BIG = "too_big"  # tooBig even for one varbind
    NOT_INCREASING = "not_increasing"  # an OID that does not increase
    ENDLESS_TABLE = "endless_table"  # more varbinds than the bound
    NO_DATA = "no_data"  # the agent answers, and serves none of the module's objects
    MODULE_FAILED = "module_failed"  # some modules came, some did not
    # SNMPv3: what an agent's Report says, and answers that cannot be trusted.
    UNKNOWN_USER = "unknown_user"  # usmStatsUnknownUserNames
    WRONG_DIGEST = "wrong_digest"  # usmStatsWrongDigests: the auth password or protocol is wrong
    DECRYPTION_ERROR = "decryption_error"  # usmStatsDecryptionErrors: the privacy password or protocol
    UNSUPPORTED_SECURITY_LEVEL = "unsupported_security_level"  # usmStatsUnsupportedSecLevels
    NOT_IN_TIME_WINDOW = "not_in_time_window"  # usmStatsNotInTimeWindows, even after setting the clock anew
    UNKNOWN_ENGINE_ID = "unknown_engine_id"  # usmStatsUnknownEngineIDs, or answers of another engine
    UNKNOWN_CONTEXT = "unknown_context"  # snmpUnknownContexts, snmpUnknownPDUHandlers
    UNAVAILABLE_CONTEXT = "unavailable_context"  # snmpUnavailableContexts
    UNKNOWN_SECURITY_MODEL = "unknown_security_model"  # snmpUnknownSecurityModels
    INVALID_MESSAGE = "invalid_message"  # snmpInvalidMsgs and reports of other kinds
    UNTRUSTED_REPLY = "untrusted_reply"  # answers with a wrong digest, or less secure than the request

    # SMTP and TLS
    CONNECTION_LOST = "connection_lost"
    GREETING_TIMEOUT = "greeting_timeout"  # TCP connects, the banner does not come
    GREETING_REJECTED = "greeting_rejected"  # 5yz, as 554
    GREETING_DEFERRED = "greeting_deferred"  # 4yz, as 421
    SYSTEM_DEFERRED = "system_deferred"  # a 4yz with X.3.Z (RFC 3463 §3.4): its own system is in trouble
    PROTOCOL_ERROR = "protocol_error"  # not SMTP, or an illegal reply
    EHLO_REJECTED = "ehlo_rejected"
    EHLO_DEFERRED = "ehlo_deferred"
    ENVELOPE_REJECTED = "envelope_rejected"  # MAIL or RCPT got a 5yz
    ENVELOPE_DEFERRED = "envelope_deferred"  # MAIL or RCPT got a 4yz
    AUTH_MISSING = "auth_missing"  # no AUTH is offered, or none that netmon can do
    LOGIN_REJECTED = "login_rejected"  # AUTH got a 5yz
    LOGIN_DEFERRED = "login_deferred"  # AUTH got a 4yz: it could not look the user up
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105 - no OAuth2 token was to be had: netmon's own side
    MAILBOX_REJECTED = "mailbox_rejected"  # the login is taken, the mailbox is not opened
    MAILBOX_DEFERRED = "mailbox_deferred"  # it is in use, or the server says to come later
    MESSAGE_REJECTED = "message_rejected"  # DATA, or the message itself, got a 5yz
    MESSAGE_DEFERRED = "message_deferred"  # DATA, or the message itself, got a 4yz
    MESSAGE_LOST = "message_lost"  # a message was accepted, and is in the mailbox by no deadline
    STARTTLS_MISSING = "starttls_missing"
    STARTTLS_REJECTED = "starttls_rejected"
    STARTTLS_DEFERRED = "starttls_deferred"
    STARTTLS_INJECTION = "starttls_injection"  # bytes were sent before the TLS handshake
    TLS_HANDSHAKE = "tls_handshake"
    TLS_PROTOCOL_VERSION = "tls_protocol_version"  # no TLS version in common

    # Conversations of /probe
    EXPECT_UNMATCHED = "expect_unmatched"  # the stream ended, or other octets came, before an expect was met
    ANSWER_REJECTED = "answer_rejected"  # a line matched a `reject`
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"  # where one that verifies is needed
