"""What the fault tests are made of: messages, a raw client, a scripted backend, a watched gateway."""
