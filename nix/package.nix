# The service, its stand-in and both sides of a deployment, and the checks of their code.
{
  lib,
  pkgs,
  cacert,
  curl,
  nukeReferences,
  openssl,
  crane,
  # What is built, for whoever reads its metrics.
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
  # The same sources, the tests and what else only a check reads: a change of these builds no binary anew.
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
    # jemalloc takes the page size of the machine that builds. ARM's kernels have pages of 4, 16 or 64 KiB; it is good for
    # all up to this one.
    ${if pkgs.stdenv.hostPlatform.isAarch64 then "JEMALLOC_SYS_WITH_LG_PAGE" else null} = "16";
    # Tests are a check of their own.
    doCheck = false;
  };

  # One static binary for the hosts and for the image, so that both run the same bytes. By the machine's own toolchain,
  # which every binary cache has: nothing is compiled but these crates.
  craneLib = crane.mkLib pkgs;
  target = pkgs.stdenv.hostPlatform.rust.rustcTarget;
  linkedStatically = commonArgs // {
    # Named, so that the flags are for the program alone: what the compiler runs is linked as usual.
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
          # Without the deployer's: a change of that builds no service anew.
          src = lib.fileset.toSource {
            inherit root;
            fileset = lib.fileset.difference code ../deploy/src;
          };
          # Beside it, with the same features: what writes its man pages and completions.
          cargoExtraArgs = "${args.cargoExtraArgs} --package wordtally-manual";
        };
    in
    craneLib.buildPackage (
      staticArgs
      // {
        # What is built need not be checked before: that doubles the time.
        cargoArtifacts = craneLib.buildDepsOnly (staticArgs // { cargoCheckCommand = "true"; });
        # Of the program alone: no dependency is built anew for it.
        WORDTALLY_COMMIT = commit;
        # libc.a names files beside itself, which a static program has no use for: its locales, the modules of its NSS.
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

  # What is shipped: without the stand-in.
  shipped = "--locked --package wordtally --no-default-features --features wordtally/jemalloc";

  # The checks' own: one build of the dependencies for all of them.
  checkArgs = commonArgs // {
    cargoExtraArgs = "--locked --workspace";
    CARGO_PROFILE = "dev";
    doCheck = true;
  };
  forChecks = checkArgs // {
    cargoArtifacts = craneLib.buildDepsOnly checkArgs;
  };
  wordtally = static { cargoExtraArgs = shipped; };

  # Both sides of a deployment. Static too: a job runs what another one built, in a store that is empty.
  deployArgs = linkedStatically // {
    pname = "wordtally-deploy";
    cargoExtraArgs = "--locked --package wordtally-deploy";
  };
  wordtally-deploy = craneLib.buildPackage (
    deployArgs
    // {
      cargoArtifacts = craneLib.buildDepsOnly (deployArgs // { cargoCheckCommand = "true"; });
      # A host gets its own side only.
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

  # The crates of what is shipped, as cargo resolves them: all, and those that are linked, without what only the
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
        # What is linked besides crates.
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
    # Production's own features: code that only the stand-in uses is a warning there.
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
    # Licences, bans and sources need no network; advisories do, and are the scheduled pipeline's.
    deny = craneLib.cargoDeny {
      inherit (commonArgs) pname version;
      src = codeWith [ ../deny.toml ];
      cargoDenyChecks = "bans licenses sources";
    };
    tests = craneLib.cargoNextest (
      forChecks
      // {
        src = codeWith [
          ../README.md
          ../docs
          # What the page of proof is made of.
          ../bench/memory.md
          ../bench/memory.py
          ../bench/results.md
          ../fuzz/result.json
          # What is in the pictures.
          ../.gitlab-ci.yml
          ../hosts/environments.nix
          ../pipeline/environments.yml
          # The limit that a repair's own must stay below.
          ../deploy/host.nix
          # The limits that a deployer's page check must stay below.
          ../nix/modules/reverse-proxy.nix
        ];
        # The commands of the pages ask with curl; a client of Google's needs some certificates to start.
        nativeBuildInputs = [
          curl
          openssl
        ];
        SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
        # What needs a process of the service starts the one that ships.
        WORDTALLY_UNDER_TEST = lib.getExe wordtally;
        # Left to `cargo test`: links lead all over the tree, which would make each change run all tests again.
        cargoNextestExtraArgs = "-E 'not test(=pages::every_link_leads_somewhere)'";
      }
    );
  };
}
