# Tests the pages in a browser: with axe, at several widths, and with the policy with which they are served.
{ pkgs, self, ... }:
let
  packages = pkgs.callPackage ../../nix/node-modules.nix { } {
    folder = ../browser;
    hash = "sha256-ml2tXNUG+ZurumbP+OJEKl6h7f8FOqsor37hjQZ3+nw=";
  };
in
pkgs.runCommand "browser"
  {
    nativeBuildInputs = [ pkgs.nodejs ];
    env = {
      CHROMIUM = "${pkgs.chromium}/bin/chromium";
      # A build has no fonts, and text without a font has no width.
      FONTCONFIG_FILE = pkgs.makeFontsConf { fontDirectories = [ pkgs.dejavu_fonts ]; };
      WORDTALLY = "${self.packages.${pkgs.stdenv.hostPlatform.system}.bigquery-standin}/bin/wordtally";
    };
  }
  ''
    export HOME=$PWD
    cp -r ${../browser} browser
    chmod u+w browser
    cd browser
    ln -s ${packages} node_modules
    npm test | tee $out
  ''
