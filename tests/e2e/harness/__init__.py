"""What the end-to-end tests are built from: a raw client, comparison, drivers, observation."""
