# The recipients of each file. agenix encrypts for them, and a check compares each file's header with this list.
let
  keys = import ./keys.nix;
  host = name: { publicKeys = [ keys.hosts.${name} ] ++ builtins.attrValues keys.operators; };
in
{
  "dev/bigquery.json.age" = host "dev";

  "mock-prod/bigquery.json.age" = host "mock-prod";
  "mock-prod/tls.key.age" = host "mock-prod";

  # The key after a rotation, for the virtual machine's tests.
  "vm-test/rotated.json.age" = host "mock-prod";

  "prod/bigquery.json.age" = host "prod";
  "prod/tls.key.age" = host "prod";
}
