# crane's cargo-nextest check, as a check with a report.
{ callPackage, writeText }:
let
  reported = callPackage ./reported.nix { };
  configuration = writeText "nextest.toml" ''
    [profile.default.junit]
    path = "junit.xml"
  '';
in
name: tests:
reported name (
  tests.overrideAttrs (old: {
    postPatch = (old.postPatch or "") + ''
      mkdir -p .config
      cp ${configuration} .config/nextest.toml
    '';
    # Succeeds even if a test fails; an earlier error, such as one from the compiler, fails the build itself.
    checkPhase = ''
      set +o errexit
      (set -o errexit; ${old.checkPhase}) 2>&1 | tee log
      status=''${PIPESTATUS[0]}
      set -o errexit
    '';
    doInstallCargoArtifacts = false;
    installPhase = ''
      junit=target/nextest/default/junit.xml
      if [ ! -e $junit ]; then
        echo "no test ran" >&2
        exit 1
      fi
      mkdir -p $out
      cp $junit $out/${name}.xml
      cp log $out/
      echo $status >$out/status
    '';
  })
)
