# Public keys: of people and machines that secrets are encrypted to, and of who deploys.
let
  # What `nix run .#deploy -- keys` wrote for a host's pipeline, where it has.
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
  # People who may edit production's secrets, deploy to every host, and log in there as root: their SSH keys, by name.
  operators = { };

  # Who may bring signed releases to a host: SSH keys, by name. None logs in as root, and none opens a file of this folder.
  deployers = {
    dev = pipeline "dev";
    mock-prod = pipeline "mock-prod";
    prod = pipeline "prod";
  };

  # Machines that open them: their SSH host keys. `nix run .#add-host` puts a real one here.
  hosts = {
    # Public identities, see ./mock-identity.
    dev = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNuLT3rlxoRj1Uv8PcX8gPVpJzSRPrtRWp/yW//RWOh";
    mock-prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEcyjFgDin+ryDw+EdOaaUz10wUzSrgLS30KE9XhbgoQ";
    # A placeholder, which nobody holds the private half of.
    prod = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9YtWa7iJRL6M7TEPgvp9zhZWgcZu3NiR8vDXNXmyPJ";
  };
}
