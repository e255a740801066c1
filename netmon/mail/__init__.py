"""Conversations with mail servers: SMTP over aiosmtplib, the TLS facts, and politeness.

Nothing outside this package imports aiosmtplib or pyOpenSSL.
"""
