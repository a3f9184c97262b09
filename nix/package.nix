# The service, its stand-in and both sides of a deployment, and the checks of their code.
{
  lib,
  pkgs,
  cacert,
  curl,
  nukeReferences,
  openssl,
  crane,
  # The commit that is built, which the metrics report.
  commit,
}:
let
  root = ../.;
  manifest = lib.importTOML ../Cargo.toml;

  code = lib.fileset.unions [
    ../.cargo/config.toml
    ../Cargo.toml
    ../Cargo.lock
    ../bench/plain-hyper
    ../deploy/Cargo.toml
    ../deploy/src
    ../fuzz/Cargo.toml
    ../fuzz/fuzz_targets
    ../fuzz/src
    ../manual/Cargo.toml
    ../manual/src
    ../src
    ../standin/Cargo.toml
    ../standin/data
    ../standin/examples
    ../standin/src
    ../standin/tests
  ];
  # The sources with the tests and other files that only a check reads. A change to these rebuilds no binary.
  codeWith =
    files:
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.union code (
        lib.fileset.unions (
          [
            ../deploy/tests
            ../fuzz/corpus
            ../fuzz/tests
            ../tests
          ]
          ++ files
        )
      );
    };

  commonArgs = {
    pname = "wordtally";
    inherit (manifest.workspace.package) version;
    src = lib.fileset.toSource {
      inherit root;
      fileset = code;
    };
    strictDeps = true;
    # By default jemalloc uses the page size of the building machine. ARM kernels have pages of 4, 16 or 64 KiB, and a build for
    # one size works with all smaller ones.
    ${if pkgs.stdenv.hostPlatform.isAarch64 then "JEMALLOC_SYS_WITH_LG_PAGE" else null} = "16";
    # The tests are a separate check.
    doCheck = false;
  };

  # One static binary for the hosts and for the image, so that both run the same bytes. It is built with the machine's native
  # toolchain, which every binary cache has, so only these crates are compiled.
  craneLib = crane.mkLib pkgs;
  target = pkgs.stdenv.hostPlatform.rust.rustcTarget;
  linkedStatically = commonArgs // {
    # The target is named so that the flags apply only to the program: build scripts and macros are linked as usual.
    CARGO_BUILD_TARGET = target;
    CARGO_BUILD_RUSTFLAGS = "-C target-feature=+crt-static -C link-arg=-L${pkgs.glibc.static}/lib";
  };
  static =
    args:
    let
      staticArgs =
        linkedStatically
        // args
        // {
          # Without the deployer's sources, so that a change to them does not rebuild the service.
          src = lib.fileset.toSource {
            inherit root;
            fileset = lib.fileset.difference code ../deploy/src;
          };
          # With the same features, the program that writes the man pages and completions.
          cargoExtraArgs = "${args.cargoExtraArgs} --package wordtally-manual";
        };
    in
    craneLib.buildPackage (
      staticArgs
      // {
        # Skips `cargo check`, which would double the time.
        cargoArtifacts = craneLib.buildDepsOnly (staticArgs // { cargoCheckCommand = "true"; });
        # Set only for the program, so that a new commit rebuilds no dependency.
        WORDTALLY_COMMIT = commit;
        # libc.a contains paths of glibc's files, such as locales and NSS modules, which a static program does not use.
        nativeBuildInputs = [ nukeReferences ];
        postInstall = ''
          $out/bin/wordtally-manual $out/share
          rm $out/bin/wordtally-manual
        '';
        postFixup = "nuke-refs $out/bin/*";
        allowedReferences = [ ];
        meta = {
          inherit (manifest.package) description;
          license = lib.licenses.mit;
          maintainers = [ { name = "The maintainers of wordtally"; } ];
          mainProgram = "wordtally";
          platforms = lib.platforms.linux;
        };
      }
    );

  # The shipped program, without the stand-in.
  shipped = "--locked --package wordtally --no-default-features --features wordtally/jemalloc";

  # For the checks: one build of the dependencies for all of them.
  checkArgs = commonArgs // {
    cargoExtraArgs = "--locked --workspace";
    CARGO_PROFILE = "dev";
    doCheck = true;
  };
  forChecks = checkArgs // {
    cargoArtifacts = craneLib.buildDepsOnly checkArgs;
  };
  wordtally = static { cargoExtraArgs = shipped; };

  # Both sides of a deployment. They are static too, because a job runs what another job built, with an empty store.
  deployArgs = linkedStatically // {
    pname = "wordtally-deploy";
    cargoExtraArgs = "--locked --package wordtally-deploy";
  };
  wordtally-deploy = craneLib.buildPackage (
    deployArgs
    // {
      cargoArtifacts = craneLib.buildDepsOnly (deployArgs // { cargoCheckCommand = "true"; });
      # A host gets only its own side.
      outputs = [
        "out"
        "host"
      ];
      nativeBuildInputs = [ nukeReferences ];
      preFixup = ''moveToOutput bin/deploy-host "$host"'';
      postFixup = "nuke-refs $out/bin/* $host/bin/*";
      allowedReferences = [ ];
    }
  );
in
{
  inherit wordtally;
  inherit (pkgs.callPackage ../deploy/package.nix { inherit wordtally-deploy; }) deploy deploy-host;

  # The crates of the shipped program, as cargo resolves them: all crates, and the linked ones, without those that only the
  # compiler runs. A line is "DEPTH NAME vVERSION|LICENCE|REPOSITORY".
  crates = craneLib.mkCargoDerivation (
    commonArgs
    // {
      pname = "wordtally-crates";
      cargoArtifacts = null;
      doInstallCargoArtifacts = false;
      buildPhaseCargoCommand = ''
        mkdir $out
        for edges in normal normal,no-proc-macro; do
          cargo tree --offline ${shipped} --target ${target} \
            --edges $edges --prefix depth --format ' {p}|{l}|{r}' >$out/$edges
        done
        cp Cargo.lock $out/
        # The libraries that are linked besides crates.
        rustc --version | sed -E 's/^rustc ([^ ]+).*/rust-std \1/' >$out/others
        echo ${pkgs.glibc.pname} ${pkgs.glibc.version} >>$out/others
        echo libgcc "$($CC -dumpfullversion)" >>$out/others
      '';
      installPhaseCommand = "true";
    }
  );

  # The same program with the stand-in's commands.
  bigquery-standin = static {
    pname = "bigquery-standin";
    cargoExtraArgs = "--locked --package wordtally";
  };

  checks = {
    clippy = craneLib.cargoClippy (
      forChecks
      // {
        src = codeWith [ ../clippy.toml ];
        cargoClippyExtraArgs = "--all-targets -- -D warnings";
      }
    );
    # With production's features, code that only the stand-in uses is a warning.
    clippy-without-standin = craneLib.cargoClippy (
      forChecks
      // {
        src = codeWith [ ../clippy.toml ];
        pname = "wordtally-without-standin";
        cargoExtraArgs = "--locked --package wordtally --no-default-features --features jemalloc";
        cargoClippyExtraArgs = "--all-targets -- -D warnings";
      }
    );
    rustdoc = craneLib.cargoDoc (
      forChecks
      // {
        cargoDocExtraArgs = "--no-deps";
        RUSTDOCFLAGS = "-D warnings";
      }
    );
    # Licences, bans and sources need no network. Advisories do, so the scheduled pipeline checks them.
    deny = craneLib.cargoDeny {
      inherit (commonArgs) pname version;
      src = codeWith [ ../deny.toml ];
      cargoDenyChecks = "bans licenses sources";
    };
    tests = craneLib.cargoNextest (
      forChecks
      // {
        src = codeWith [
          ../CITATION.cff
          ../README.md
          ../docs
          # The sources of the page of proof.
          ../bench/memory.md
          ../bench/memory.py
          ../bench/results.md
          ../fuzz/result.json
          # The pictures are compared with these.
          ../.gitlab-ci.yml
          ../hosts/environments.nix
          ../pipeline/environments.yml
          # A repair's limit must stay below the one in this file.
          ../deploy/host.nix
          # A deployer's page check must stay below the limits in this file.
          ../nix/modules/reverse-proxy.nix
        ];
        # The commands in the docs use curl, and a Google client needs some certificates to start.
        nativeBuildInputs = [
          curl
          openssl
        ];
        SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
        # Tests that need a process of the service start the shipped program.
        WORDTALLY_UNDER_TEST = lib.getExe wordtally;
        # Only `cargo test` runs this test: links lead to the whole tree, so every change would rerun all tests here.
        cargoNextestExtraArgs = "-E 'not test(=pages::every_link_leads_somewhere)'";
      }
    );
  };
}
