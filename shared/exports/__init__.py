"""Exports: files for partners, with tokens in place of ids, scanned before they are seen, and closed by the partner's answer."""
