# Public keys: of the people and machines for which secrets are encrypted, and of the deployers.
let
  # The key that `nix run .#deploy -- keys` wrote for a host's pipeline, if it exists.
  pipeline =
    host:
    let
      file = ./deployers + "/${host}.pub";
    in
    if builtins.pathExists file then
      { pipeline = builtins.head (builtins.match "([^\n]+)\n*" (builtins.readFile file)); }
    else
      { };
in
{
  # SSH keys, by name, of the people who may edit production's secrets, deploy to every host and log in there as root.
  operators = { };

  # SSH keys, by name, that may deploy signed releases to a host. None can log in as root or decrypt a file in this folder.
  deployers = {
    dev = pipeline "dev";
    mock-prod = pipeline "mock-prod";
    prod = pipeline "prod";
  };

  # SSH host keys of the machines that decrypt the secrets. `nix run .#add-host` adds a real one.
  hosts = {
    # The identities behind these are public: see ./mock-identity.
    dev = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNuLT3rlxoRj1Uv8PcX8gPVpJzSRPrtRWp/yW//RWOh";
    mock-prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEcyjFgDin+ryDw+EdOaaUz10wUzSrgLS30KE9XhbgoQ";
    # A placeholder, whose private half nobody has.
    prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9YtWa7iJRL6M7TEPgvp9zhZWgcZu3NiR8vDXNXmyPJ";
  };
}
