# The npm packages of a folder with a lock file, as npm itself lays them out. The lock file names no registry, so nixpkgs'
# importNpmLock and fetchNpmDeps find nothing in it to fetch. npm checks each package against its hash.
{
  lib,
  runCommand,
  cacert,
  nodejs,
}:
{ folder, hash }:
let
  lock = folder + "/package-lock.json";
  # Part of the name, so that a changed lock file never gets the packages of the old one.
  locked = lib.substring 0 12 (builtins.hashFile "sha256" lock);
in
runCommand "node-modules-${locked}"
  {
    nativeBuildInputs = [
      # The build needs certificate authorities to verify the registry.
      cacert
      nodejs
    ];
    impureEnvVars = lib.fetchers.proxyImpureEnvVars;
    outputHashMode = "recursive";
    outputHash = hash;
  }
  ''
    export HOME=$PWD
    cp ${folder + "/package.json"} package.json
    cp ${lock} package-lock.json
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    # npm's own records, which differ between versions of npm.
    rm node_modules/.package-lock.json
    mv node_modules $out
  ''
