"""Helpers that several tests share: a test country, phones, pictures, deployments."""
