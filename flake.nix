{
  description = "Shows how often a word occurs in each corpus of a BigQuery table";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
    agenix = {
      url = "github:ryantm/agenix";
      inputs = {
        nixpkgs.follows = "nixpkgs";
        darwin.follows = "";
        home-manager.follows = "";
      };
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      crane,
      agenix,
    }:
    let
      inherit (nixpkgs) lib;
      eachSystem =
        f: lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: f nixpkgs.legacyPackages.${system});

      subjects = import ./nix/subjects.nix { inherit lib; };

      # The service, the stand-in and the checks of their code, from one set of crane arguments.
      builds = eachSystem (
        pkgs:
        pkgs.callPackage ./nix/package.nix {
          inherit crane;
          # All uncommitted trees share one value, so that a change does not rebuild everything.
          commit = self.rev or "unknown";
        }
      );

      # By system, like the builds, so that each host is evaluated only once.
      hosts = lib.mapAttrs (
        system: built:
        import ./hosts {
          inherit nixpkgs agenix system;
          inherit (built) deploy-host;
          modules = self.nixosModules;
        }
      ) builds;
    in
    {
      packages =
        eachSystem (
          pkgs:
          let
            inherit (pkgs.stdenv.hostPlatform) system;
          in
          subjects.packages {
            inherit pkgs self;
            builds = builds.${system};
            hosts = hosts.${system};
            agenix = agenix.packages.${system}.default;
            offered = self.packages.${system};
          }
        )
        // lib.genAttrs [ "aarch64-darwin" "x86_64-darwin" ] (
          system:
          import ./hosts/mac.nix {
            pkgs = nixpkgs.legacyPackages.${system};
            hosts = hosts.${lib.replaceString "darwin" "linux" system};
          }
        );
      # The default is the service alone, because the stand-in is for development.
      nixosModules = import ./nix/modules {
        inherit lib;
        packagesFor = pkgs: builds.${pkgs.stdenv.hostPlatform.system} or { };
      };

      templates.default = {
        path = ./templates/nixos;
        description = "A NixOS host that serves two words";
      };

      nixosConfigurations = hosts.x86_64-linux;
      checks = eachSystem (
        pkgs:
        import ./nix/checks.nix {
          inherit
            self
            pkgs
            builds
            subjects
            ;
          hosts = hosts.${pkgs.stdenv.hostPlatform.system};
        }
      );
      devShells = eachSystem (pkgs: {
        default = pkgs.callPackage ./nix/shell.nix { inherit agenix; };
      });
      formatter = eachSystem (pkgs: pkgs.callPackage ./nix/formatter.nix { });
    };
}
