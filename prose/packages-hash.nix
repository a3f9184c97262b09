# npm's packages for the linter, for nix/node-modules.nix.
{
  folder = ./.;
  hash = "sha256-Dj94hnuLXHp3HxaAIHdRBcURS7w4S5n1kBN24PpUyag=";
}
