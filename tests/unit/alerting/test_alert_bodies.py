"""What is sent: Alertmanager's two formats, and templates."""

import json

from netmon.alerting.alerts import Alerts
from netmon.alerting.bodies import alertmanager_body, template_variables, webhook_message
from netmon.model import MailState
from netmon.template import VARIABLES, MessageTemplate
from tests.unit.alerting.making import WEB, Notebook, alerts_on, verdict, webhook


def two() -> Alerts:
    """mx1 has mail down for a cause and is over, sw1 is down."""
    source = Notebook()
    alerts = alerts_on(source, webhook())
    source.put(verdict("mail_starved", mail=MailState.DOWN, causes=("/var is full",), sentence='"; drop'))
    alerts.look(None, 0.0, 1000.0)
    source.put(verdict("healthy"), verdict("device_down", "sw1"))
    alerts.look(None, 0.0, 1060.5)
    return alerts


def test_alertmanager_body() -> None:
    """API v2: what holds ends in five minutes, unless it is told again; no empty annotation."""
    over, holds = json.loads(alertmanager_body(two().all().values(), WEB, 2000.0))
    assert over["startsAt"] == "1970-01-01T00:16:40.000Z"
    assert over["endsAt"] == "1970-01-01T00:17:40.500Z"
    assert over["generatorURL"] == f"{WEB}/hosts/mx1"
    assert over["annotations"]["cause"] == "/var is full"
    assert holds["endsAt"] == "1970-01-01T00:38:20.000Z"
    assert "cause" not in holds["annotations"]
    assert holds["labels"] == {
        "alertname": "NetmonDeviceDown",
        "host": "sw1",
        "severity": "page",
        "site": "waw",
    }


def test_webhook_message_is_alertmanagers_format_version_4() -> None:
    """With the keys that its receivers read."""
    message = webhook_message(two().all(), "pager", WEB)
    assert set(message) == {
        "version",
        "groupKey",
        "truncatedAlerts",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "alerts",
    }
    assert (message["version"], message["status"], message["receiver"]) == ("4", "firing", "pager")
    assert message["commonLabels"] == {"severity": "page", "site": "waw"}
    assert [alert["status"] for alert in message["alerts"]] == ["resolved", "firing"]
    assert message["alerts"][1]["endsAt"] == "0001-01-01T00:00:00Z"
    assert all(len(alert["fingerprint"]) == 16 for alert in message["alerts"])


def test_template_sees_exactly_the_promised_names() -> None:
    """Those that check-config knows: of a host's alert and of netmon's own."""
    alerts = two()
    variables = template_variables(webhook_message(alerts.all(), "chat", WEB), "probe1")
    assert set(variables) == set(VARIABLES)
    source = Notebook()
    own = alerts_on(source, webhook(), isolated=lambda: True)
    own.look(None, 0.0, 10.0)
    variables = template_variables(webhook_message(own.all(), "chat", WEB), "probe1")
    assert set(variables) == set(VARIABLES)
    assert (variables["host"], variables["agent"], variables["severity"]) == ("", "probe1", "page")


def test_template_with_tojson_keeps_hostile_text_in_its_place() -> None:
    """A sentence with quotes makes no other JSON."""
    message = webhook_message(two().all(), "chat", WEB)
    text = '{"text": {{ (host ~ ": " ~ description) | tojson }}, "n": {{ alerts | length }}}'
    said = json.loads(MessageTemplate(text).render(template_variables(message, "probe1")))
    assert said == {"text": 'mx1: mx1: mail_starved. "; drop', "n": 2}
