"""Screens and dialogs: which view stands where, and what keys do there."""
