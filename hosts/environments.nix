# The environments as data: each host's shape, its machine and its words. Certificates and the stand-in's IAM file are in the
# folder with the environment's name here; secrets are in the folder with that name in ../secrets.
let
  words = import ./words.nix;
in
{
  dev = {
    imports = [
      ./development.nix
      ./vm.nix
    ];
    wordtally = {
      words = words.dev;
      standinAccess = ./dev/iam.json;
      sshPort = 2221;
      pipeline.tier = "development";
    };
  };

  # Production's own shape and words, with the stand-in.
  mock-prod = {
    imports = [
      ./production.nix
      ./vm.nix
    ];
    wordtally = {
      words = words.prod;
      standinAccess = ./mock-prod/iam.json;
      sshPort = 2222;
      deployment.publicPort = 8443;
      pipeline = {
        tier = "staging";
        after = "dev";
      };
    };
    services.wordtally = {
      reverseProxy = {
        hostName = "localhost";
        # All clients of a virtual machine have the same address: that of the forwarded port.
        limits = {
          connectionsPerAddress = 1000;
          requestsPerSecond = 100000;
          burst = 1000;
        };
      };
      monitoring.certificateAuthority = ./mock-prod/certificate.pem;
    };
  };

  prod = {
    imports = [
      ./production.nix
      ./prod/hardware.nix
    ];
    wordtally = {
      words = words.prod;
      pipeline = {
        tier = "production";
        after = "mock-prod";
      };
    };
    services.wordtally.reverseProxy.hostName = "wordtally.example.com";
  };
}
