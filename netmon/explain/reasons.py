"""What each reason means: the texts behind `netmon_check_reason_info{reason}`."""

from collections.abc import Mapping
from typing import Final

from netmon.errors import Reason
from netmon.explain.text import Text

REASONS: Final[Mapping[Reason, Text]] = {
    Reason.OK: Text("The run did everything that it set out to do."),
    Reason.NOT_RUN: Text(
        "The check is planned and has not run yet.",
        ("netmon has just started: first runs are spread over one interval",),
        ("Wait one interval, or look at once: netmon probe HOST",),
    ),
    Reason.TIMEOUT: Text(
        "Nothing at all was heard: no answer, no refusal, no ICMP error.",
        (
            "the host is off, or the path to it is broken",
            "a firewall drops the packets",
            "SNMP only: a wrong community or version, or a view that hides us; agents stay silent then",
        ),
        (
            "Ping it, and probe another of its services: life there means a filter, or this service alone",
            "SNMP: ask with `netmon snmp get HOST sysUpTime` and look at the agent's access list and its log",
        ),
    ),
    Reason.DEADLINE: Text(
        "Answers came, but the run was not over when its time was up (the interval, at most a minute).",
        (
            "the peer is overloaded or answers drop by drop",
            "a walk of large tables over a slow or lossy line",
            "a mail server that delays clients on purpose",
        ),
        (
            "See in the phases where the time went: netmon probe HOST",
            "Read fewer modules, raise max_repetitions, or lengthen the interval",
        ),
    ),
    Reason.REFUSED: Text(
        "The host itself said that nobody listens there (TCP reset, or ICMP port unreachable): it is alive.",
        (
            "the service is stopped or crashed",
            "it listens on another port or address, perhaps on loopback only",
            "a firewall that rejects instead of dropping",
        ),
        ("On the host: is it running, and on which address (ss -tulpn)?",),
    ),
    Reason.UNREACHABLE: Text(
        "A router on the way said that the host or its network cannot be reached.",
        ("the last router finds no such neighbour: the host is off", "a route or a link is gone"),
        ("Trace the path, and look at the verdict of the router that answered last",),
    ),
    Reason.NO_ROUTE: Text(
        "This machine has no route, or no address of that family: it says nothing of the host.",
        ("the name has an IPv6 address and this machine has no IPv6", "the default route is missing"),
        ("Look at `ip -6 route`, or give the host its IPv4 address in the config",),
    ),
    Reason.RESOLVE_FAILED: Text(
        "DNS did not answer, so nothing could be asked: netmon's own side.",
        ("the resolver is down or cannot be reached", "the zone's name servers are all silent or broken"),
        ("Ask the resolver of /etc/resolv.conf, or of dns.servers, for another name",),
    ),
    Reason.NAME_NOT_FOUND: Text(
        "DNS answered that the name does not exist or has no address.",
        ("a typing mistake in the config", "the record was removed, or its zone has expired"),
        ("Compare the host's `address` in the config with the zone",),
    ),
    Reason.DNSSEC_INVALID: Text(
        "DNS has an answer whose signatures do not validate: senders that check DNSSEC find no mail server.",
        ("the zone's signatures have expired", "a DS record of an old key at the registrar"),
        ("delv +vtrace DOMAIN MX; sign the zone anew, or mend the DS record",),
    ),
    Reason.LOCAL_ERROR: Text(
        "netmon's own machine could not do it: no permission, no socket, no memory, a file missing.",
        (
            "a local firewall forbids the port",
            "too few file descriptors",
            "ping needs net.ipv4.ping_group_range or CAP_NET_RAW",
            "the ca_file of the config cannot be read",
        ),
        ("The run's sentence names what was refused; mend that on netmon's machine",),
    ),
    Reason.CRASHED: Text(
        "A defect in netmon's probe ended the run; other checks are not affected.",
        (),
        ("Report it with the traceback from the agent's log",),
    ),
    Reason.MALFORMED_REPLY: Text(
        "Datagrams came back, and none was an SNMP response to what was asked.",
        ("another service answers on that port", "a defective agent or a middlebox that mangles packets"),
        ("Capture one exchange and compare it with snmpget's",),
    ),
    Reason.AGENT_ERROR: Text(
        "The agent answered with an error-status such as genErr; netmon shows no half tables.",
        ("a subagent behind it has died or times out", "a defect of the agent in one table"),
        (
            "Walk the table alone: netmon snmp walk HOST OID",
            "Restart the agent, update it, or leave the module out",
        ),
    ),
    Reason.AUTHORIZATION_ERROR: Text(
        "The agent knows us and refuses this object (authorizationError, noAccess).",
        (
            "a view or access rule that leaves the object out",
            "SNMPv3: the user may not ask at this security level, or has no access at all",
        ),
        (
            "Give the view of the community or user these subtrees",
            "SNMPv3: ask at the level that the agent's access rule wants (security_level, --level)",
        ),
    ),
    Reason.TOO_BIG: Text(
        "The agent cannot fit even a single object into a reply.",
        ("a very small maximum message size on the agent",),
        ("Raise it on the agent, or leave the module out",),
    ),
    Reason.NOT_INCREASING: Text(
        "In a walk came an object that is not after the one before; going on could loop for ever.",
        ("a defect in one of the agent's tables",),
        ("Find the table with `netmon snmp walk`, update the agent, or leave the module out",),
    ),
    Reason.ENDLESS_TABLE: Text(
        "A subtree holds more objects, or the answers more octets, than netmon reads of one module.",
        ("a defective agent that makes up rows", "an enormous table, such as a full routing table"),
        ("Take a module that reads fewer columns",),
    ),
    Reason.NO_DATA: Text(
        "The agent answers and serves nothing of any module that was asked for.",
        ("a view that leaves them out", "modules that are not for this kind of device"),
        ("See what it has: netmon snmp walk HOST 1.3.6.1.2.1; then choose the modules, or widen the view",),
    ),
    Reason.MODULE_FAILED: Text(
        "Some modules were read and some were not; those that came are exported.",
        ("one table is slow or broken", "loss on the way, which hits long walks first"),
        ("The run's sentence names the modules; read one alone: netmon probe HOST snmp",),
    ),
    Reason.UNKNOWN_USER: Text(
        "The agent knows no SNMPv3 user of that name.",
        ("a typing mistake in `username`", "the user was never made on this agent, or lost in a reset"),
        ("Make the user on the agent (net-snmp: createUser and rouser), or mend `username` of the auth",),
    ),
    Reason.WRONG_DIGEST: Text(
        "The agent knows the SNMPv3 user and finds our digest wrong: the keys differ.",
        (
            "`password` is not the one that the agent has",
            "`auth_protocol` is not the agent's: MD5, SHA and SHA256 give different keys",
            "the agent's engine ID was changed after its users were made, which spoils their keys",
        ),
        (
            "By hand, with the password in NETMON_AUTH_PASSWORD: netmon snmp get HOST sysUpTime -u USER",
            "Set the user's password on the agent again",
        ),
    ),
    Reason.DECRYPTION_ERROR: Text(
        "The agent could not decrypt the request, or netmon the answer; the digest was right.",
        (
            "`priv_password` or `priv_protocol` is not the agent's",
            "AES192 and AES256 make longer keys in two ways: Cisco and others want AES192C or AES256C",
        ),
        ("Compare both with the agent; with level authNoPriv the rest can be tested alone",),
    ),
    Reason.UNSUPPORTED_SECURITY_LEVEL: Text(
        "The agent does not let this SNMPv3 user work at the security level that was asked for.",
        (
            "the user has no privacy key there, and authPriv was asked for",
            "a cipher that the agent was built without",
        ),
        ("Give the user the missing key on the agent, or set `security_level` to what he has",),
    ),
    Reason.NOT_IN_TIME_WINDOW: Text(
        "Agent and netmon do not agree on the agent's boots and time, even after setting them anew.",
        (
            "two devices share an address or an engine ID and answer in turn",
            "an agent whose clock jumps, or whose snmpEngineBoots has reached its end (2147483647)",
            "somebody replays old answers",
        ),
        (
            "Read snmpEngineBoots and snmpEngineTime twice: netmon snmp get HOST 1.3.6.1.6.3.10.2.1.2.0",
            "At boots 2147483647 only a new engine ID helps (RFC 3414 section 2.2.2)",
        ),
    ),
    Reason.UNKNOWN_ENGINE_ID: Text(
        "The agent denies the engine ID that it gave itself, or answers come in another engine's name.",
        (
            "two devices behind one address answer in turn (a cluster, a balancer)",
            "a proxy or a defective agent that changes its engine ID",
        ),
        ("Ask each device by its own address", "Give the agent a fixed engine ID"),
    ),
    Reason.UNKNOWN_CONTEXT: Text(
        "The agent has no such SNMPv3 context, or nothing behind that context engine ID.",
        ("a typing mistake in `context_name`", "a VLAN or routing instance that is gone"),
        ("List them (vacmContextName): netmon snmp walk HOST 1.3.6.1.6.3.16.1.1; then mend `context_name`",),
    ),
    Reason.UNAVAILABLE_CONTEXT: Text(
        "The agent knows the SNMPv3 context and cannot serve it now.",
        ("the card, module or subagent behind it is down",),
        ("Look at that part of the device; leave `context_name` away to test the rest",),
    ),
    Reason.UNKNOWN_SECURITY_MODEL: Text(
        "The agent speaks SNMPv3 and does not do the User-based Security Model.",
        ("SNMPv3 over TLS or SSH only (TSM)", "an agent whose users are switched off"),
        ("Switch USM on, or use another version for this agent",),
    ),
    Reason.INVALID_MESSAGE: Text(
        "The agent reports that our SNMPv3 message is invalid, or reports what netmon does not know.",
        ("a defective SNMPv3 implementation", "a middlebox that mangles packets"),
        ("The run's sentence names the counter; capture one exchange and compare it with snmpget's",),
    ),
    Reason.UNTRUSTED_REPLY: Text(
        "Answers came and were dropped: their digest is wrong, or they are less secure than the request.",
        (
            "somebody forges answers from the agent's address",
            "two devices with different keys behind one address",
            "a defective agent that answers without authentication what was asked with it",
        ),
        ("Capture the exchange and look who sends; compare with snmpget at the same level",),
    ),
    Reason.CONNECTION_LOST: Text(
        "The server closed or reset the connection in mid-conversation, without a word.",
        (
            "a daemon crashed or was restarted",
            "a proxy or load balancer in front has no healthy server behind it",
            "a connection limit that is enforced by hanging up",
        ),
        ("Look into the server's log at that second; the dialogue shows the last line that came",),
    ),
    Reason.GREETING_TIMEOUT: Text(
        "TCP connects, and the 220 greeting does not come (in greeting_timeout).",
        (
            "all the server's processes are busy: the kernel accepts, nobody reads",
            "the server waits for DNS or a blocklist that is dead",
            "a tarpit for unknown clients",
        ),
        (
            "Count its processes against their limit, and test its resolver",
            "Exempt netmon from greeting delays, or raise greeting_timeout",
        ),
    ),
    Reason.GREETING_REJECTED: Text(
        "The server greeted with a 5yz (IMAP: BYE, POP3: -ERR): it does not want us, or nobody.",
        (
            "netmon's address is on a blocklist or lacks a PTR record",
            "the server was set to refuse everybody",
        ),
        ("The reply says which; if it is about netmon alone, list its address as a friend",),
    ),
    Reason.GREETING_DEFERRED: Text(
        "The server greeted with a 4yz, mostly 421 (IMAP: BYE [UNAVAILABLE]): not now, come back.",
        ("too many connections, in all or from netmon's address", "it is shutting down or starting"),
        ("If it stays so, compare its connection limits with its load",),
    ),
    Reason.SYSTEM_DEFERRED: Text(
        "Its own system is in trouble (4.3.z; IMAP: [UNAVAILABLE], POP3: [SYS/TEMP]): no mail goes through.",
        ("the spool's disk is full", "short of memory, or overloaded"),
        ("Look at the host's storage and memory findings, and free space in the spool",),
    ),
    Reason.PROTOCOL_ERROR: Text(
        "What came is not the protocol that was expected.",
        ("another service, or TLS, listens on this port", "a middlebox rewrites the conversation"),
        ("Read the dialogue; compare `port` and `tls` of the config with the server's",),
    ),
    Reason.EHLO_REJECTED: Text(
        "The server greeted and then refused our EHLO.",
        ("it dislikes the name that netmon gives itself, or its lack of DNS",),
        ("Set agent.name to a full name whose address and PTR record match",),
    ),
    Reason.EHLO_DEFERRED: Text(
        "The server answered our EHLO with a 4yz: come back later.",
        ("greylisting or rate limits that begin at EHLO", "a lookup of the server's that failed"),
        ("See whether the next runs pass; exempt netmon from rate limits",),
    ),
    Reason.ENVELOPE_REJECTED: Text(
        "The server refused the sender or the recipient of `envelope` (MAIL or RCPT): no mail was sent.",
        ("the recipient does not exist", "the sender's domain is not known or not accepted"),
        ("Read the reply; set `envelope` to addresses that this server takes",),
    ),
    Reason.ENVELOPE_DEFERRED: Text(
        "The server answered MAIL or RCPT with a 4yz: it would take no mail now.",
        ("greylisting", "a lookup or a table of the server's that failed", "rate limits"),
        ("See whether the next runs pass; exempt netmon's address from greylisting",),
    ),
    Reason.AUTH_MISSING: Text(
        "The server offers no login, or no mechanism that netmon can do, though `login` is configured.",
        (
            "the authentication service behind it (SASL, Dovecot) was down when it started",
            "AUTH is offered on the submission ports only, or to other addresses only",
            "it wants OAuth2, Kerberos or SCRAM, and `login` holds a password",
        ),
        (
            "Compare port and `tls` with what users are told; look for SASL errors in its log",
            "A provider that wants OAuth2: use `login.oauth2` in the place of the password",
        ),
    ),
    Reason.LOGIN_REJECTED: Text(
        "The server refused netmon's login; it is tried again after 15 minutes, for fear of a lock-out.",
        (
            "the password was changed or has ended, or the account is locked",
            "the account may not log in this way (SMTP AUTH disabled, a second factor)",
            "the user database lost its users: then real users are refused too",
        ),
        (
            "Try the account by hand from elsewhere; a new password in the config is tried at once",
            "Users are refused too: look at the database behind the authentication service",
        ),
    ),
    Reason.LOGIN_DEFERRED: Text(
        "It could not say whether the login is right (454, [UNAVAILABLE]): users cannot log in now.",
        ("LDAP, SQL or the authentication service behind it does not answer", "rate limits on logins"),
        ("Look for authentication errors in the server's log; test its user database",),
    ),
    Reason.TOKEN_UNAVAILABLE: Text(
        "No OAuth2 token was to be had, so the login could not be tested; all else was.",
        (
            "the token endpoint is down or cannot be reached from here",
            "the client's secret has ended, or scope or client_id is wrong (the sentence names its error)",
        ),
        ("Ask the endpoint by hand: curl -d grant_type=client_credentials ... TOKEN_URL", "Renew the secret"),
    ),
    Reason.MESSAGE_REJECTED: Text(
        "The server took sender and recipient, and refused the message itself (5yz after DATA).",
        (
            "a filter takes netmon's message for spam or for dangerous",
            "it is larger than the server or the mailbox takes",
            "the store behind the server is full or read-only",
        ),
        (
            "Search the server's log for the recipient at the time of the run; the detail quotes its words",
            "If a filter is strict, let it know netmon's sender or address",
        ),
    ),
    Reason.MESSAGE_DEFERRED: Text(
        "The server took sender and recipient, and put the message off (4yz after DATA) until the deadline.",
        (
            "greylisting that waits for the message",
            "a filter or the store behind the server is down",
            "no room in its spool",
        ),
        (
            "Search the server's log for the recipient at the time of the run; the detail quotes its words",
            "Where greylisting waits longer than the mailflow's deadline, let it know netmon's address",
        ),
    ),
    Reason.MESSAGE_LOST: Text(
        "The server accepted a message, and it was in the mailbox by no deadline: neither INBOX nor junk.",
        (
            "it waits in a queue: the next server, the filter or the store does not answer",
            "the mailbox is over its quota, and the message was sent back",
            "a filter put it aside or threw it away; a rule of the user moved it",
            "delivery is slower than the mailflow's deadline",
        ),
        (
            "Search the log of the accepting server for the queue identifier that the finding names",
            "Look into its queue: postqueue -p (Postfix), exim -bp (Exim)",
            "If it arrives later the next run says so, and takes it away",
        ),
    ),
    Reason.MAILBOX_REJECTED: Text(
        "The IMAP or POP3 server took the login and did not open the mailbox: its user cannot read mail.",
        (
            "the mail store's disk is full, read-only or gone (NFS), or its index is corrupt",
            "the mailbox does not exist, or the user may not read it",
        ),
        (
            "Read the reply's [CODE] and the server's log; doveadm index or mailbox status as that user",
            "Compare `mailbox` of the config with what the server has",
        ),
    ),
    Reason.MAILBOX_DEFERRED: Text(
        "The login was taken, and the mailbox is not to be had now ([IN-USE], [INUSE], [UNAVAILABLE]).",
        (
            "another POP3 session of the same user holds the lock: give netmon a mailbox of its own",
            "the mail store answers slowly, or a limit of connections for the user was reached",
        ),
        ("If it stays so, look for lock and time-out errors in the server's log",),
    ),
    Reason.STARTTLS_MISSING: Text(
        "The server does not offer STARTTLS, though it is expected to: by the config, or by a URL's smtp://.",
        (
            "its certificate or key cannot be loaded, so it left TLS out",
            "a middlebox strips the offer (some firewalls' inspection does)",
            "TLS was never set up",
        ),
        ("Look for TLS errors in its log; if plain text is meant: `tls: none`, or smtp+plain:// in a URL",),
    ),
    Reason.STARTTLS_REJECTED: Text(
        "The server offers STARTTLS and refuses it.",
        ("no usable certificate or key",),
        ("Look for TLS errors in the server's log",),
    ),
    Reason.STARTTLS_DEFERRED: Text(
        "The server answered STARTTLS with a 4yz, mostly 454: TLS is not available now.",
        ("it cannot read its key, or has no entropy or memory for it",),
        ("Look for TLS errors in the server's log",),
    ),
    Reason.STARTTLS_INJECTION: Text(
        "Plain text came between the answer to STARTTLS (STLS) and the handshake, as if it were said in TLS.",
        ("someone on the path injects commands or replies", "a badly broken server or proxy"),
        ("Take it for an attack until the same appears from inside the server's own network",),
    ),
    Reason.TLS_HANDSHAKE: Text(
        "The TLS handshake failed for another reason than the certificate, which netmon examines afterwards.",
        ("`tls: implicit` on a port that begins in plain text, or the reverse", "no cipher in common"),
        ("Compare `tls` of the config with the port; try openssl s_client",),
    ),
    Reason.TLS_PROTOCOL_VERSION: Text(
        "No TLS version in common; netmon takes TLS 1.2 and later.",
        ("an old server that knows TLS 1.0 or 1.1 only",),
        ("Update it: other senders refuse it too, or fall back to plain text",),
    ),
    Reason.EXPECT_UNMATCHED: Text(
        "The stream ended, or other octets came, before an `expect` of the module of /probe was met.",
        ("another kind of server than the module is for", "its greeting or an answer changed"),
        ("Ask again with debug=true: it shows every line, and at which step it ended",),
    ),
    Reason.ANSWER_REJECTED: Text(
        "A line of the server matched a `reject` of the module of /probe, which ends it at once.",
        ("the server refuses: 4yz for now, 5yz for good",),
        ("Ask again with debug=true and read the line; the server's log has its reason",),
    ),
    Reason.CERTIFICATE_UNTRUSTED: Text(
        "A module of /probe or a login needs a certificate that verifies, and this one does not.",
        (
            "it has expired",
            "it is for another name",
            "its issuer is not in the trust store",
        ),
        (
            "netmon_probe_ssl_chain_valid and netmon_probe_ssl_name_valid tell which; debug=true says why",
            "A login: set `ca_file` to the issuer's certificate, or `tls_name`; no secret was sent",
            "Set server_name or ca_file in tls_config, or insecure_skip_verify where it is known and meant",
        ),
    ),
}
