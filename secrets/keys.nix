# Public keys that secrets are encrypted to.
{
  # People who may edit production's secrets: their SSH keys, by name.
  operators = { };

  # Machines that open them: their SSH host keys. `nix run .#add-host` puts a real one here.
  hosts = {
    # Public identities, see ./mock-identity.
    dev = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNuLT3rlxoRj1Uv8PcX8gPVpJzSRPrtRWp/yW//RWOh";
    mock-prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEcyjFgDin+ryDw+EdOaaUz10wUzSrgLS30KE9XhbgoQ";
    # A placeholder, which nobody holds the private half of.
    prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9YtWa7iJRL6M7TEPgvp9zhZWgcZu3NiR8vDXNXmyPJ";
  };
}
