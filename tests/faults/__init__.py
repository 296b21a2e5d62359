"""Bad input and broken peers: hivegate between hostile clients and a scripted backend."""
