# The service and its stand-in, and the checks of their code.
{
  lib,
  pkgs,
  cacert,
  curl,
  openssl,
  crane,
}:
let
  root = ../.;
  manifest = lib.importTOML ../Cargo.toml;

  code = lib.fileset.unions [
    ../Cargo.toml
    ../Cargo.lock
    ../bench/plain-hyper
    ../src
    ../standin
  ];
  # The same sources, the tests and what else only a check reads: a change of these builds no binary anew.
  codeWith =
    files:
    lib.fileset.toSource {
      inherit root;
      fileset = lib.fileset.union code (lib.fileset.unions ([ ../tests ] ++ files));
    };

  commonArgs = {
    pname = "wordtally";
    inherit (manifest.workspace.package) version;
    src = lib.fileset.toSource {
      inherit root;
      fileset = code;
    };
    strictDeps = true;
    # Tests are a check of their own, on the machine's own libc.
    doCheck = false;
  };

  # One static binary for the hosts and for the image, so that both run the same bytes.
  musl =
    if pkgs.stdenv.hostPlatform.isx86_64 then
      pkgs.pkgsCross.musl64
    else
      pkgs.pkgsCross.aarch64-multiplatform-musl;
  craneStatic = crane.mkLib musl;
  static =
    args:
    let
      staticArgs =
        commonArgs
        // {
          CARGO_BUILD_TARGET = musl.stdenv.hostPlatform.rust.rustcTarget;
          CARGO_BUILD_RUSTFLAGS = "-C target-feature=+crt-static";
        }
        // args;
    in
    craneStatic.buildPackage (
      staticArgs
      // {
        # What is built need not be checked before: that doubles the time.
        cargoArtifacts = craneStatic.buildDepsOnly (staticArgs // { cargoCheckCommand = "true"; });
        meta = {
          inherit (manifest.package) description;
          license = lib.licenses.mit;
          mainProgram = "wordtally";
          platforms = lib.platforms.linux;
        };
      }
    );

  # What is shipped: without the stand-in.
  shipped = "--locked --package wordtally --no-default-features";

  # The checks' own: the machine's libc, and one build of the dependencies for all of them.
  craneNative = crane.mkLib pkgs;
  checkArgs = commonArgs // {
    cargoExtraArgs = "--locked --workspace";
    CARGO_PROFILE = "dev";
    doCheck = true;
  };
  forChecks = checkArgs // {
    cargoArtifacts = craneNative.buildDepsOnly checkArgs;
  };
in
{
  wordtally = static { cargoExtraArgs = shipped; };

  # The crates of what is shipped, as cargo resolves them: all, and those that are linked, without what only the
  # compiler runs. A line is "DEPTH NAME vVERSION|LICENCE|REPOSITORY".
  crates = craneStatic.mkCargoDerivation (
    commonArgs
    // {
      pname = "wordtally-crates";
      cargoArtifacts = null;
      doInstallCargoArtifacts = false;
      buildPhaseCargoCommand = ''
        mkdir $out
        for edges in normal normal,no-proc-macro; do
          cargo tree --offline ${shipped} --target ${musl.stdenv.hostPlatform.rust.rustcTarget} \
            --edges $edges --prefix depth --format ' {p}|{l}|{r}' >$out/$edges
        done
        cp Cargo.lock $out/
        # What is linked besides crates.
        rustc --version | sed -E 's/^rustc ([^ ]+).*/rust-std \1/' >$out/others
        echo ${musl.stdenv.cc.libc.pname} ${musl.stdenv.cc.libc.version} >>$out/others
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
    clippy = craneNative.cargoClippy (
      forChecks
      // {
        src = codeWith [ ../clippy.toml ];
        cargoClippyExtraArgs = "--all-targets -- -D warnings";
      }
    );
    # Production's own features: code that only the stand-in uses is a warning there.
    clippy-without-standin = craneNative.cargoClippy (
      forChecks
      // {
        src = codeWith [ ../clippy.toml ];
        pname = "wordtally-without-standin";
        cargoExtraArgs = "--locked --package wordtally --no-default-features";
        cargoClippyExtraArgs = "--all-targets -- -D warnings";
      }
    );
    rustfmt = craneNative.cargoFmt {
      inherit (commonArgs) pname version;
      src = codeWith [ ../rustfmt.toml ];
    };
    rustdoc = craneNative.cargoDoc (
      forChecks
      // {
        cargoDocExtraArgs = "--no-deps";
        RUSTDOCFLAGS = "-D warnings";
      }
    );
    # Licences, bans and sources need no network; advisories do, and are the scheduled pipeline's.
    deny = craneNative.cargoDeny {
      inherit (commonArgs) pname version;
      src = codeWith [ ../deny.toml ];
      cargoDenyChecks = "bans licenses sources";
    };
    tests = craneNative.cargoNextest (
      forChecks
      // {
        src = codeWith [
          ../README.md
          ../flake.lock
          ../flake.nix
          ../docs
        ];
        # The commands of the pages ask with curl; a client of Google's needs some certificates to start.
        nativeBuildInputs = [
          curl
          openssl
        ];
        SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
        # Left to `cargo test`: links lead all over the tree, which would make each change run all tests again.
        cargoNextestExtraArgs = "-E 'not test(=every_link_leads_somewhere)'";
      }
    );
  };
}
