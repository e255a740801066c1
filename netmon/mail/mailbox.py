"""What conversations with a mailbox server have in common: the way there, TLS, phases, the goodbye.

IMAP (RFC 9051, RFC 3501) and POP3 (RFC 1939) differ in their words alone: both greet, tell what they can,
upgrade to TLS (RFC 2595), take a login (SASL or their own) and then show a mailbox.
"""

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Self

from netmon.errors import Reason
from netmon.mail.faults import MailError, connect_fault, failed, untestable
from netmon.mail.sasl import BEARER, Credentials
from netmon.mail.stream import LostError, Phase, Stream, TooLongError
from netmon.mail.tls import handshake_fault
from netmon.mail.trail import Trail
from netmon.model import Result

_QUIT: Final = 2.0  # seconds that a goodbye may take
_SHORT_QUIT: Final = 0.5  # after a fault, when an answer is hardly to come
LINE: Final = 65536  # octets of one line
QUESTIONS: Final = 4  # that a server may ask in a login
# OWN is the protocol's own command for a user and a password: LOGIN, or USER and PASS.
OWN: Final = "own"
# Last, since servers offer it whatever they take: Dovecot tells USER also where CRAM-MD5 alone is set up.
_IN_TLS: Final = ("PLAIN", "LOGIN", "CRAM-MD5", OWN)
_IN_PLAIN: Final = ("CRAM-MD5", "PLAIN", "LOGIN", OWN)

# Response codes by which a server says that another time may do: RFC 5530 §3, RFC 3206 §4, RFC 2449 §8.1,
# and LIMIT, which RFC 9051 §7.1 has from it.
_LATER: Final = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "IN-USE", "LOGIN-DELAY", "SYS/TEMP"})
# Of these, in answer to a login or for a mailbox, those that say that something of the server's own is
# down: nobody gets at mail.
_SYSTEM: Final = frozenset({"UNAVAILABLE", "SYS/TEMP"})
_LATER_WORDS: Final = ("too many", "maximum number", "try again", "temporar", "later")


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a step is called where it is refused or put off."""

    rejected: Reason
    deferred: Reason


GREETING: Final = Reasons(Reason.GREETING_REJECTED, Reason.GREETING_DEFERRED)
STARTTLS: Final = Reasons(Reason.STARTTLS_REJECTED, Reason.STARTTLS_DEFERRED)
LOGIN: Final = Reasons(Reason.LOGIN_REJECTED, Reason.LOGIN_DEFERRED)
MAILBOX: Final = Reasons(Reason.MAILBOX_REJECTED, Reason.MAILBOX_DEFERRED)


class MailboxSession(ABC):
    """A connection to one server; each step may raise MailError, and what was learned so far stays.

    The caller owns `trail` and `phases` (seconds by name, in the order of their first start).
    `limit` is the loop time that no step outlives, `patience` the seconds for one answer, and
    `goodbye` the seconds after `limit` that the goodbye may still take.  As a context manager it says
    goodbye if it can, and always closes.
    """

    upgrade_word: ClassVar[str]  # STARTTLS or STLS
    goodbye_word: ClassVar[str]  # LOGOUT or QUIT

    def __init__(
        self, trail: Trail, phases: dict[str, float], *, limit: float, patience: float, goodbye: float = 1.0
    ) -> None:
        self.greeting = ""  # text of the greeting
        self.refusal = ""  # `[CODE] text` that ended the conversation
        self.sent_away = False  # it was told to come later before it could say who it is
        self.upgraded = False
        self.capabilities: Mapping[str, str] = {}  # upper-case word, its arguments; of the latest answer
        self.capabilities_before: Mapping[str, str] = {}  # TLS
        # What counted when the login was due; after it a server may tell no login any more.
        self.capabilities_at_login: Mapping[str, str] = {}
        self.mechanisms: Sequence[str] = ()  # of SASL, on offer then
        self.login_offered = False
        self.logged_in = False
        self._trail = trail
        self._phases = phases
        self._limit = limit
        self._patience = patience
        self._goodbye = goodbye
        self._loop = asyncio.get_running_loop()
        self._stream = Stream(self._loop, trail)
        self._parted = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, MailError):
                await self.part(_QUIT if kind is None else _SHORT_QUIT)
        finally:
            self._stream.leave_unread()
            self._stream.abort()

    @property
    def session(self) -> ssl.SSLObject | None:
        """The TLS session, once there is one."""
        layer = self._stream.tls
        return layer.session if layer is not None and layer.established else None

    async def connect(self, address: str, port: int, *, within: float) -> None:
        """Connect to a numeric address in at most `within` seconds."""
        within = self._at_most(within)
        silence = failed(Reason.TIMEOUT, f"{address} port {port} does not answer within {within:.2g} s")
        try:
            with self._phase("connect", within + 1, silence):
                async with asyncio.timeout_at(self._loop.time() + within):
                    await self._loop.create_connection(lambda: self._stream, address, port)
        except TimeoutError as error:
            # The kernel's own has a number.
            fault = silence if error.errno is None else connect_fault(error, address, port)
        except OSError as error:
            fault = connect_fault(error, address, port)
        else:
            return
        fault.phase = "connect"
        raise fault

    async def tls(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Implicit TLS (RFC 8314 §3): the handshake comes before any word."""
        within = self._at_most(self._patience)
        silence = failed(Reason.TLS_HANDSHAKE, f"no answer to the TLS handshake within {within:.2g} s")
        with self._phase("tls", self._patience, silence):
            if self._stream.heard or self._stream.unread():
                raise failed(
                    Reason.TLS_HANDSHAKE,
                    "the server speaks before TLS on this port: is it one for `tls: starttls`?",
                )
            await self._handshake(context, server_name)

    async def greet(self, within: float) -> None:
        """Wait for the greeting."""
        within = self._at_most(within)
        silence = failed(Reason.GREETING_TIMEOUT, f"connected, but no whole greeting within {within:.2g} s")
        try:
            with self._phase("greeting", within, silence):
                await self._greeting()
        except MailError as fault:
            if fault is silence and not self._stream.heard and self.session is None:
                text = f"connected, but not a word within {within:.2g} s: is it a port for `tls: implicit`?"
                mute = failed(Reason.GREETING_TIMEOUT, text)
                mute.phase = "greeting"
                raise mute from None
            raise

    async def ask(self) -> None:
        """Ask what the server can: fills `capabilities`."""
        with self._phase("capability", self._patience, self._silence("its capabilities")):
            self.capabilities = self.capabilities_at_login = await self._capability()
        self.mechanisms = self._mechanisms()
        self.login_offered = bool(self.mechanisms) or self._own_login()

    async def starttls(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Upgrade to TLS (RFC 2595 §3, §4); what was said before no longer counts."""
        word = self.upgrade_word
        with self._phase("starttls", self._patience, self._silence(word)):
            if word not in self.capabilities:
                raise failed(Reason.STARTTLS_MISSING, f"the server does not offer {word}")
            await self._upgrade()
            # A server that may speak has nothing to say before our first TLS record.
            if unread := self._stream.unread():
                raise failed(
                    Reason.STARTTLS_INJECTION,
                    f"{unread} bytes came in plain text between the answer to {word} and the TLS handshake",
                )
            await self._handshake(context, server_name)
        self.capabilities_before, self.capabilities = self.capabilities, {}
        self.upgraded = True

    async def log_in(self, credentials: Credentials) -> str:
        """Log in; gives the mechanism, or the protocol's own command."""
        if self.logged_in:
            return "PREAUTH"
        if "\0" in credentials.username + credentials.secret:
            raise untestable(Reason.LOCAL_ERROR, "a login that holds a NUL cannot be said to any server")
        mechanism = choose(
            self.mechanisms,
            own=self._own_login(),
            token=credentials.token,
            secured=self.session is not None,
        )
        with self._phase("login", self._patience, self._silence("the login")):
            name = await self._log_in(mechanism, credentials)
        self.logged_in = True
        return name

    async def part(self, within: float = _QUIT) -> None:
        """Say goodbye within bounds; nothing that happens here changes the result."""
        if self._parted or not self._stream.open:
            return
        self._parted = True
        begun = time.perf_counter()
        word = self.goodbye_word
        self._stream.given_up = None
        try:
            async with asyncio.timeout_at(min(self._loop.time() + within, self._limit + self._goodbye)):
                await self._farewell()
                self._phases[word.lower()] = time.perf_counter() - begun
                self._stream.part()
                await asyncio.shield(self._stream.closed)
        except (TimeoutError, LostError, TooLongError, MailError):
            if word.lower() not in self._phases:
                self._trail.note(f"no answer to {word}")
                self._phases[word.lower()] = time.perf_counter() - begun

    @abstractmethod
    async def _greeting(self) -> None: ...

    @abstractmethod
    async def _capability(self) -> Mapping[str, str]: ...

    @abstractmethod
    async def _upgrade(self) -> None:
        """The command that ends plain text."""

    @abstractmethod
    async def _log_in(self, mechanism: str, credentials: Credentials) -> str: ...

    @abstractmethod
    async def _farewell(self) -> None: ...

    @abstractmethod
    def _mechanisms(self) -> Sequence[str]:
        """The SASL mechanisms on offer."""

    @abstractmethod
    def _own_login(self) -> bool:
        """Whether the protocol's own command for a password is on offer."""

    def refuse(self, what: str, code: str, text: str, reasons: Reasons) -> MailError:
        """The MailError that a refusal is, by its response code and else by its words."""
        self.refusal = f"[{code}] {text}" if code else text
        said = self._trail.cleaned(f"{what}: {self.refusal}".replace("\n", " "))[:300]
        if later(code, text):
            self.sent_away = not self.logged_in and reasons is GREETING
            in_trouble = code in _SYSTEM and reasons in (LOGIN, MAILBOX)
            reason = Reason.SYSTEM_DEFERRED if in_trouble else reasons.deferred
            return MailError(Result.DEFERRED, reason, said)
        return MailError(Result.REJECTED, reasons.rejected, said)

    async def _handshake(self, context: ssl.SSLContext, server_name: str | None) -> None:
        try:
            await self._stream.upgrade(context, server_name)
        except (OSError, ValueError) as error:  # ValueError: a name that SNI cannot hold
            reason, text = handshake_fault(error)
            raise failed(reason, text) from error

    def _at_most(self, within: float) -> float:
        """The seconds that are really there for a phase."""
        return max(0.0, min(within, self._limit - self._loop.time()))

    def _silence(self, what: str) -> MailError:
        return failed(Reason.DEADLINE, f"no whole answer to {what} in time")

    def _phase(self, name: str, within: float, silence: MailError) -> Phase:
        """Time a phase whose every wait is for octets, and bound it."""
        until = min(self._loop.time() + within, self._limit)
        timer = self._loop.call_at(until, self._stream.give_up, silence)
        return Phase(self._stream, self._phases, name, timer)


def later(code: str, text: str) -> bool:
    """Whether a refusal asks to come back: by its code, and by its words where that says nothing."""
    if code not in ("", "ALERT"):
        return code in _LATER
    lowered = text[:300].lower()
    return any(word in lowered for word in _LATER_WORDS)


def choose(offered: Sequence[str], *, own: bool, token: bool, secured: bool) -> str:
    """The mechanism to use, or OWN.  Raises MailError where there is none.

    APOP is not among them: its MD5 tells a password to whoever can play the server (RFC 6151 §2.1 and
    CVE-2007-1558), and without TLS CRAM-MD5 is at hand.
    """
    ours: Sequence[str] = BEARER if token else _IN_TLS if secured else _IN_PLAIN
    for mechanism in ours:
        if mechanism in offered or (mechanism == OWN and own):
            return mechanism
    if not offered and not own:
        raise MailError(Result.FAILED, Reason.AUTH_MISSING, "the server offers no login")
    what = "an OAuth2 token" if token else "a password"
    known = ", ".join(word for word in ours if word != OWN)
    text = f"the server offers the mechanisms {' '.join(offered) or 'none'}; netmon does {known} with {what}"
    raise untestable(Reason.AUTH_MISSING, text[:300])


@dataclass(frozen=True, slots=True)
class Door:
    """Where a mailbox server listens, and how it speaks TLS (none, starttls or implicit)."""

    address: str  # numeric
    port: int
    mode: str
    context: ssl.SSLContext
    server_name: str | None  # for SNI
    greeting_timeout: float = 30.0


async def introduce(
    session: MailboxSession, door: Door, examine: Callable[[ssl.SSLObject], None] = lambda _: None
) -> None:
    """What follows the connect, up to the capabilities that count."""
    if door.mode == "implicit":
        await session.tls(door.context, door.server_name)
        if session.session is not None:
            examine(session.session)
    await session.greet(door.greeting_timeout)
    await session.ask()
    if door.mode == "starttls":
        await session.starttls(door.context, door.server_name)
        if session.session is not None:
            examine(session.session)
        await session.ask()
