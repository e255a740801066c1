"""Grafana dashboards as JSON, the code that they are built from, and Prometheus's rules."""
