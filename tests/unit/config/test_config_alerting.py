"""The section `alerting`: short forms, secrets, and what is refused."""

from pathlib import Path

from netmon.config import public_dump
from netmon.fields import Secret
from tests.unit.config.reading import SECRET, mistakes, read

HOSTS = "hosts: [{name: a, ping: true}]\n"
FULL = """\
alerting:
  alertmanagers:
    - http://127.0.0.1:9093/
    - {url: "https://am.example.org/prefix", username: netmon, password: swordfish, ca_file: ca.pem}
  webhooks:
    - https://hooks.example.org/swordfish
    - name: pager
      url: "https://hooks.example.org/${env:SECRET}"
      method: PUT
      content_type: text/plain
      headers: {Authorization: Bearer swordfish}
      template: "swordfish {{ host }}"
      severities: [page]
      repeat: 4h
  heartbeat: https://beats.example.org/swordfish
"""


def test_everything_arrives_and_a_bare_url_stands_for_a_record(tmp_path: Path) -> None:
    """With the defaults; paths begin where the file lies."""
    alerting = read(tmp_path, FULL + HOSTS).alerting
    first, second = alerting.alertmanagers
    assert first.url == Secret("http://127.0.0.1:9093")
    assert (second.username, second.ca_file) == ("netmon", tmp_path / "ca.pem")
    bare, pager = alerting.webhooks
    assert bare.url == Secret("https://hooks.example.org/swordfish")
    assert (bare.method, bare.severities, bare.repeat) == ("POST", ("page", "ticket"), 0.0)
    assert pager.headers == {"Authorization": Secret("Bearer swordfish")}
    assert (pager.method, pager.severities, pager.repeat) == ("PUT", ("page",), 4 * 3600.0)
    assert alerting.heartbeat.interval == 60.0
    assert SECRET not in repr(alerting)


def test_no_alerting_is_the_default_and_so_is_the_empty_form(tmp_path: Path) -> None:
    """As the documentation shows it."""
    empty = 'alerting: {alertmanagers: [], webhooks: [], heartbeat: ""}\n'
    assert read(tmp_path, empty + HOSTS).alerting == read(tmp_path, HOSTS).alerting


def test_public_text_hides_urls_headers_templates_and_passwords(tmp_path: Path) -> None:
    """In both forms; names and the rest stay."""
    shown = public_dump(read(tmp_path, FULL + HOSTS))
    assert SECRET not in shown
    assert "heartbeat: <secret>" in shown
    assert "name: pager" in shown
    assert "repeat: 4h" in shown


def test_a_renamed_token_is_the_same_receiver_if_it_has_a_name(tmp_path: Path) -> None:
    """What it was told is kept by identity; an unnamed one is its URL, which its identity does not tell."""
    bare, pager = read(tmp_path, FULL + HOSTS).alerting.webhooks
    bare2, pager2 = read(tmp_path, FULL.replace("org/", "net/") + HOSTS).alerting.webhooks
    assert pager.identity == pager2.identity == "webhook pager"
    assert bare.identity != bare2.identity
    assert "hooks" not in bare.identity


def test_mistakes_of_a_short_form_are_told_at_its_place(tmp_path: Path) -> None:
    """And never quote it."""
    text = (
        'alerting: {webhooks: [swordfish, 5, [x]], alertmanagers: ["http://u:swordfish@x"], heartbeat: 5}\n'
    )
    found = mistakes(tmp_path, text + HOSTS)
    assert [one.split(": ")[1] for one in found] == [
        "alerting.webhooks[0]",
        "alerting.webhooks[1]",
        "alerting.webhooks[2]",
        "alerting.alertmanagers[0]",
        "alerting.heartbeat",
    ]
    assert SECRET not in "".join(found)
