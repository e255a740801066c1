"""What each finding about mail means: conversations, certificates, domains and their policies."""

from collections.abc import Mapping
from typing import Final

from netmon.explain.text import Text
from netmon.model import FindingKind

MAIL_FINDINGS: Final[Mapping[FindingKind, Text]] = {
    FindingKind.DNS_FAILED: Text(
        "DNS does not answer for a domain or a mail server of it: what was last known stays in use.",
        ("the DNS servers that netmon asks are dead or filtered", "the domain's own name servers are dead"),
        (
            "Ask by hand on netmon's machine: dig MX DOMAIN; then the domain's own servers: dig NS DOMAIN",
            "If only netmon's resolver is dead, mend it or set dns.servers; senders are not harmed",
            "If the domain's servers are dead, its mail waits at its senders, and is lost in some days",
        ),
    ),
    FindingKind.NULL_MX: Text(
        "A null MX (`MX 0 .`) says that the domain takes no mail: senders give up at once (RFC 7505).",
        ("the domain is not meant for mail", "a web host's template replaced the zone"),
        ("If it is to take mail: put its MX records back; else take it out of `domains`",),
    ),
    FindingKind.DOMAIN_WITHOUT_MAIL: Text(
        "DNS says, several times in a row, that nobody takes the domain's mail: no such name, MX or address.",
        ("the registration has run out", "the zone was lost or emptied", "a typing error in the config"),
        ("See whois DOMAIN for the registration, then dig NS DOMAIN and dig MX DOMAIN",),
    ),
    FindingKind.MX_MISSING: Text(
        "The domain has no MX record, so mail goes to its own address (RFC 5321 §5.1); for information.",
        ("it was never set up", "the record was lost when the zone moved"),
        ("Publish an MX record if mail is to go elsewhere, or to survive a move of the web server",),
    ),
    FindingKind.MX_IS_ALIAS: Text(
        "An MX record names an alias (CNAME), which the standards forbid: some senders refuse it.",
        ("the server was renamed, and the old name made an alias",),
        ("Name the server itself in the MX record: the name that the CNAME leads to",),
    ),
    FindingKind.MX_IS_ADDRESS: Text(
        "An MX record holds an IP address where a name belongs: no sender can use it.",
        ("a form of the DNS provider that takes anything",),
        ("Give the server a name with an A or AAAA record, and name that in the MX record",),
    ),
    FindingKind.MX_NAME_INVALID: Text(
        "An MX record holds a name that no host can have.",
        ("a typing error in the zone", "a zone file that lacks the dot at a name's end"),
        ("Correct the zone: dig MX DOMAIN shows what it says",),
    ),
    FindingKind.MX_WITHOUT_ADDRESS: Text(
        "An MX record names a server that has no address: senders lose time with it, or mail.",
        ("the server is gone and its MX record stayed", "the name lacks the dot at its end in the zone file"),
        ("Remove the MX record, or give the name an address",),
    ),
    FindingKind.MX_ADDRESS_REFUSED: Text(
        "An MX has an address outside the public internet, where netmon does not go on DNS's word alone.",
        (
            "the zone is for the inside, or was published by mistake",
            "somebody wants netmon to look into a network of its own",
        ),
        (
            "If it is right: name it in a host's `addresses`, or its network in the domain's `allow`",
            "If not: correct the zone, for no sender outside can reach such an address",
        ),
    ),
    FindingKind.MX_TOO_MANY: Text(
        "DNS gives more mail servers or addresses than netmon follows; the best are checked.",
        ("a zone that is made by a script", "a name server that answers with anything"),
        ("See dig MX DOMAIN; 20 MX with 10 addresses each are followed",),
    ),
    FindingKind.PROBE_REJECTED: Text(
        "The server refuses netmon itself (its address, name or sender), which is no outage for others.",
        (
            "netmon's address is on a blocklist or a dial-up range",
            "no PTR record, or one that does not match",
            "the `login` of the config is not taken",
        ),
        ("Give netmon's address a matching PTR and agent.name, or list it as a friend on the server",),
    ),
    FindingKind.CAPABILITY_LOST: Text(
        "The server offered STARTTLS or AUTH before and does not now; after a week it is taken for meant.",
        (
            "its certificate, or its authentication service, was not to be had when it was last started",
            "a middlebox strips the offer",
            "somebody changed its configuration",
        ),
        ("Look for TLS or SASL errors in its log from the time that the finding names", "Reload the server"),
    ),
    FindingKind.STARTTLS_INJECTION: Text(
        "Bytes came in plain text after STARTTLS was granted and before TLS began; netmon stopped there.",
        ("an attack on the path", "a badly broken server or proxy"),
        ("Compare with a probe from the server's own network",),
    ),
    FindingKind.STARTTLS_KEEPS_COMMANDS: Text(
        "The server carries out after TLS begins what was sent in plain text before it (CVE-2011-0411).",
        ("an old server that does not empty its buffer at STARTTLS", "a proxy in front that does TLS for it"),
        ("Update the server or the proxy: somebody on the path can put commands into others' sessions",),
    ),
    FindingKind.OPEN_RELAY: Text(
        "The server takes mail from a stranger for a stranger, as far as RCPT (no message was sent).",
        (
            "its own networks or relay rules are too wide, and netmon stands within them",
            "the check of recipients comes after DATA only",
        ),
        (
            "If netmon's address is meant to relay, test from elsewhere or leave `open_relay` out",
            "Postfix: mynetworks, smtpd_relay_restrictions; Exim: the RCPT ACL",
        ),
    ),
    FindingKind.VRFY_ANSWERED: Text(
        "VRFY tells which users exist, which collectors of addresses like.",
        ("VRFY is left on, as some servers' default is",),
        ("Switch it off (Postfix: disable_vrfy_command = yes); 252 to everything is the harmless answer",),
    ),
    FindingKind.CERTIFICATE_EXPIRED: Text(
        "The certificate's time is over; a fault where clients verify (submission), else information.",
        ("renewal failed", "renewed, but the server was not reloaded"),
        ("Compare the file's dates with those presented; renew, then reload the mail server",),
    ),
    FindingKind.CERTIFICATE_EXPIRING: Text(
        "The certificate, or one of the chain that leads to its root, ends within cert_warn (14 days).",
        ("automatic renewal fails", "an intermediate certificate was left as it was"),
        ("Run the renewal by hand and read what it says; reload the server",),
    ),
    FindingKind.CERTIFICATE_NOT_YET_VALID: Text(
        "The certificate's time has not begun; a fault where clients verify (submission), else information.",
        ("it was installed before its time", "the clock of the authority, the server or netmon is wrong"),
        ("Compare the dates with `date` on both machines; load the certificate before it until then",),
    ),
    FindingKind.CERTIFICATE_SELF_SIGNED: Text(
        "The certificate is signed by its own key; information on port 25, a fault where clients verify.",
        (
            "the certificate that the package made at installation (snakeoil) is still there",
            "the real one cannot be read, and the server made one up",
        ),
        ("Load one that an authority issued; if it is meant, set `ca_file` to the certificate itself",),
    ),
    FindingKind.CERTIFICATE_WEAK: Text(
        "A key under 2048 bits (RSA) or 224 (curves), or a signature with MD5 or SHA-1, in the chain.",
        ("a certificate made years ago and renewed with its old key", "an old authority of one's own"),
        ("Make a new key (RSA 2048 or P-256) and have it signed with SHA-256",),
    ),
    FindingKind.CERTIFICATE_CHAIN_INVALID: Text(
        "The presented chain leads to no certificate that this machine trusts.",
        (
            "the server sends no intermediate certificate",
            "a private authority",
        ),
        ("Send the full chain; for a private authority set `ca_file` on the endpoint",),
    ),
    FindingKind.CERTIFICATE_NAME_MISMATCH: Text(
        "The certificate is for other names than the one that netmon expects.",
        ("the wrong certificate is loaded", "the host is configured by address or by an alias"),
        ("Set `tls_name` to the name that clients use, or issue the certificate for it",),
    ),
    FindingKind.MIME_CHANGED: Text(
        "A message arrived with another content than was sent; another encoding of the same is fine.",
        (
            "a filter or gateway that rewrites messages (footers, disclaimers, stripped attachments)",
            "a store or relay that damages 8bit text, long lines or binary attachments",
        ),
        (
            "The finding names the part; the trail of the check has all changes and the way of the message",
            "Send through each hop on its own to see which one does it; if it is meant, tell the users",
        ),
    ),
    FindingKind.DELIVERED_TO_JUNK: Text(
        "netmon's message was delivered, into the folder for junk: users may miss such mail.",
        ("the filter's rules or training", "SPF, DKIM or DMARC of the sender's domain fail"),
        ("Read the Authentication-Results and the filter's headers in the trail of the check",),
    ),
    FindingKind.DELIVERED_TWICE: Text(
        "A message arrived more than once.",
        (
            "two ways to one mailbox: an alias, a forwarding, a rule of the user",
            "a server timed out at the end of DATA, and its client sent again",
        ),
        ("Compare the Received headers of both copies in the trail, from the end: they part at one hop",),
    ),
    FindingKind.DELIVERED_LATE: Text(
        "A message took longer than late_after, or arrived after the run that sent it had given up.",
        ("a long queue or a slow filter", "greylisting between two of your own servers"),
        ("The hop times in the trail say where it waited; the servers' clocks need not agree",),
    ),
    FindingKind.MAIL_LOST: Text(
        "A server accepted a message that did not reach the mailbox within the mailflow's deadline.",
        ("it waits in a queue", "the mailbox is over its quota", "a filter or rule put it aside"),
        ("Search the log of the accepting server for the queue identifier that the finding names",),
    ),
    FindingKind.MAIL_DEFERRED: Text(
        "A server put the message off at first and then took it; for information.",
        ("greylisting, which does so to every new sender",),
        ("Nothing, unless every run says it: then let greylisting know netmon's address",),
    ),
    FindingKind.MAILBOX_UNREADABLE: Text(
        "The mailbox that a mailflow's message must reach could not be read.",
        ("the IMAP or POP3 server is down or hangs", "the store behind it is broken"),
        ("Run the check by hand, netmon probe HOST mailflow, and see where it stops",),
    ),
    FindingKind.POLICY_MISSING: Text(
        "A domain, or one of its servers, publishes nothing of this policy; nothing is broken.",
        ("it was never set up", "its records were lost with a change of the DNS provider"),
        (
            "The finding names the policy; SPF and DMARC are worth having first, then MTA-STS or DANE",
            "One MX without TLSA records beside others that have them: add them there too",
        ),
    ),
    FindingKind.DANE_INVALID: Text(
        "What an MX presents is not what its TLSA records say: senders that go by DANE do not deliver there.",
        (
            "the certificate was renewed with a new key, and its TLSA record was not published before",
            "STARTTLS is off, or its certificate could not be loaded",
            "the name server answers with an error to TLSA, or its signatures have expired",
        ),
        (
            "Publish the present key as 3 1 1: openssl pkey -in key.pem -pubout -outform DER | sha256sum",
            "Then keep the key at renewals, or publish the next key's record two TTLs before it is used",
            "dig +dnssec _25._tcp.MX TLSA shows what is published",
        ),
    ),
    FindingKind.DANE_UNUSABLE: Text(
        "A TLSA record is of a sort that SMTP does not use (RFC 7672), so it protects nobody.",
        ("usage 0 or 1, which are for other services", "a digest of the wrong length; a cut record"),
        ("Publish 3 1 1, or 2 1 1 for the key of the issuer, and remove the other",),
    ),
    FindingKind.DANE_NOT_CHECKED: Text(
        "There are TLSA records, and no validated answer that they could be believed by.",
        (
            "dns.validating is not set, because the resolver does not check DNSSEC",
            "the zone of the domain, or that of its MX, is not signed or has no DS record at its parent",
        ),
        (
            "Run unbound, validating, on netmon's machine; set dns.servers to it and dns.validating: true",
            "delv MX of the domain, and delv A of the server, say where the chain breaks",
        ),
    ),
    FindingKind.DANE_ROLLOVER: Text(
        "The TLSA records are true now; this says what a renewal of the certificate will do to them.",
        ("a rollover goes on, or its old records were left", "records of the whole certificate (3 0 x)"),
        ("Remove records of keys that are gone; prefer 3 1 1 with a key that stays",),
    ),
    FindingKind.MTA_STS_INVALID: Text(
        "The MTA-STS record or policy cannot be used; senders go by an older policy, or by none.",
        (
            "the web server of mta-sts.DOMAIN is down, redirects, or its certificate is not for that name",
            "the policy's text is malformed, or served as another type than text/plain",
            "the TXT record has no id of 1 to 32 letters and digits",
        ),
        ("Compare: curl -v https://mta-sts.DOMAIN/.well-known/mta-sts.txt; dig _mta-sts.DOMAIN TXT",),
    ),
    FindingKind.MTA_STS_MISMATCH: Text(
        "An MX or its certificate is not as the MTA-STS policy says; in mode enforce senders do not deliver.",
        (
            "the MX was renamed or added, and the policy was not changed",
            "a certificate that is self-signed, expired, or without the MX's name",
        ),
        (
            "Name the MX in the policy and publish a new id; give it a certificate of a public authority",
            "Until then mode: testing, with a new id, lets mail through",
        ),
    ),
    FindingKind.MTA_STS_CHANGED: Text(
        "The MTA-STS policy was changed or withdrawn in a way that senders do not notice until it expires.",
        ("the policy's text was changed without a new id", "the record was removed without mode none first"),
        ("Publish a new id with each change; to withdraw, publish mode: none and wait for the old max_age",),
    ),
    FindingKind.TLS_RPT_INVALID: Text(
        "The TLS-RPT record is malformed, so nobody reports failed TLS.",
        ("several records", "rua is no mailto: or https: address"),
        ('One record: _smtp._tls.DOMAIN TXT "v=TLSRPTv1; rua=mailto:tls@DOMAIN"',),
    ),
    FindingKind.SPF_INVALID: Text(
        "The SPF record cannot be evaluated (permerror): receivers take it for none, or refuse.",
        (
            "more than 10 lookups, mostly by includes of service providers",
            "two records that begin with v=spf1",
            "a slip of the pen, or an include whose record has gone",
        ),
        ("Merge the records; replace includes that are no longer used by ip4 and ip6",),
    ),
    FindingKind.SPF_WEAK: Text(
        "The SPF record is sound and says little.",
        ("+all lets everybody send", "it ends without -all or ~all", "it uses ptr"),
        ("End it with ~all, or -all once DMARC reports show that no sender is forgotten",),
    ),
    FindingKind.DKIM_INVALID: Text(
        "A DKIM selector of the config leads to no usable key: signatures with it fail.",
        ("the key is revoked, or was never published", "the record was cut at 255 characters"),
        ("Compare the record with the signer's public key: opendkim-testkey, or rspamadm dkim_keygen",),
    ),
    FindingKind.DKIM_WEAK: Text(
        "A DKIM key is usable, and short or marked as a test.",
        ("an RSA key of 1024 bits", "t=y was left from its introduction"),
        ("Publish a key of 2048 bits under a new selector and sign with it; remove t=y",),
    ),
    FindingKind.DMARC_INVALID: Text(
        "The DMARC record is malformed, so receivers take it for none.",
        ("several records", "p is missing or is not none, quarantine or reject"),
        ('One record: _dmarc.DOMAIN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@DOMAIN"',),
    ),
    FindingKind.DMARC_WEAK: Text(
        "The DMARC record is sound and asks receivers for nothing, or for part of the messages only.",
        ("p=none, as at its introduction", "pct below 100"),
        ("Read the reports until all senders pass, then set p=quarantine and p=reject",),
    ),
    FindingKind.REVERSE_DNS_INVALID: Text(
        "An MX's address has no name in reverse DNS that leads back to it; many refuse mail from such.",
        ("the owner of the address, mostly the provider, has set no PTR record", "the name was changed"),
        ("Have the provider set the PTR to the server's name, and that name an address record back",),
    ),
}
