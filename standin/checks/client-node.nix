# Google's Node.js client, unmodified, against the stand-in.
{ pkgs, self, ... }:
let
  packages = pkgs.callPackage ../../nix/node-modules.nix { } {
    folder = ../clients/node;
    hash = "sha256-tc/qLPyCYiGwhQdMVSFR9Rmq13Qq/s+0YHmv45Y5Aj4=";
  };
in
pkgs.runCommand "client-node"
  {
    nativeBuildInputs = [
      pkgs.nodejs
      pkgs.openssl
    ];
    env.WORDTALLY = "${
      self.packages.${pkgs.stdenv.hostPlatform.system}.bigquery-standin
    }/bin/wordtally";
  }
  ''
    cp -r ${../clients/node} node
    chmod u+w node
    cd node
    # A copy: Node.js looks for what a package imports beside the path that a link leads to.
    cp -r ${packages} node_modules
    node run.js | tee $out
  ''
