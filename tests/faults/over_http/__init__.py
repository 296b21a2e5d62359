"""HTTP from clients and towards endpoints."""
