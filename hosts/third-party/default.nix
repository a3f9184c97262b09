# A third-party host to which the words are added: it has its own web server and its own monitoring. It uses only what every
# user of the modules can use.
{
  config,
  lib,
  pkgs,
  wordtally,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  site = "www.example.test";
  words = "words.example.test";
in
{
  imports = [
    ./acme-server.nix
    ./machine.nix
    ./workload-identity.nix
  ];

  networking.hosts."127.0.0.1" = [
    site
    words
  ];

  # The owner's own web server, as it was before.
  security.acme = {
    acceptTerms = true;
    defaults.email = "owner@example.test";
  };
  services.nginx = {
    enable = true;
    recommendedGzipSettings = true;
    recommendedOptimisation = true;
    recommendedProxySettings = true;
    recommendedTlsSettings = true;
    recommendedUwsgiSettings = true;
    appendConfig = ''
      worker_processes 2;
      worker_rlimit_nofile 4096;
    '';
    eventsConfig = "worker_connections 1024;";
    proxyCachePath.site = {
      enable = true;
      keysZoneName = "site";
    };
    commonHttpConfig = ''
      proxy_cache site;
      proxy_cache_valid any 1h;
      proxy_intercept_errors on;
      client_body_temp_path /var/cache/nginx/body;
      proxy_temp_path /var/cache/nginx/proxied;
      fastcgi_temp_path /var/cache/nginx/fastcgi;
      uwsgi_temp_path /var/cache/nginx/uwsgi;
      scgi_temp_path /var/cache/nginx/scgi;
    '';
    virtualHosts = {
      ${site} = {
        default = true;
        forceSSL = true;
        enableACME = true;
        root = pkgs.writeTextDir "index.html" "the owner's site\n";
        locations."/app/".proxyPass = "http://127.0.0.1:8090/";
      };
      app = {
        listen = [
          {
            addr = "127.0.0.1";
            port = 8090;
          }
        ];
        locations."/".return = ''200 "$http_x_forwarded_proto://$http_host\n"'';
      };
    };
  };
  networking.firewall.allowedTCPPorts = [
    80
    443
  ];

  # The owner's own monitoring, as it was before.
  services.prometheus = {
    enable = true;
    listenAddress = "127.0.0.1";
    port = 9095;
    retentionTime = "400d";
    globalConfig = {
      scrape_interval = "20s";
      scrape_timeout = "5s";
      external_labels.site = "example";
    };
    rules = [
      (builtins.toJSON {
        groups = [
          {
            name = "owner";
            rules = [
              {
                alert = "SomethingIsDown";
                expr = "up == 0";
                for = "10m";
              }
            ];
          }
        ];
      })
    ];
    scrapeConfigs = [
      {
        job_name = "node";
        static_configs = [ { targets = [ "127.0.0.1:9100" ]; } ];
      }
      {
        job_name = "site";
        metrics_path = "/probe";
        params = {
          module = [ "site" ];
          target = [ "https://${site}/" ];
        };
        static_configs = [ { targets = [ "127.0.0.1:9115" ]; } ];
      }
    ];
    exporters = {
      node.enable = true;
      blackbox = {
        enable = true;
        configFile = pkgs.writeText "blackbox.yml" (
          builtins.toJSON {
            modules.site = {
              prober = "http";
              http = {
                fail_if_body_not_matches_regexp = [ "the owner's site" ];
                preferred_ip_protocol = "ip4";
                tls_config.ca_file = config.services.wordtally.monitoring.certificateAuthority;
              };
            };
          }
        );
      };
    };
  };

  # The added part.
  services.wordtally = {
    enable = true;
    # Repackaged, as by an owner who has their own build.
    package =
      pkgs.runCommand "wordtally-of-the-owner"
        {
          meta.mainProgram = "wordtally";
        }
        ''
          install -D ${lib.getExe wordtally.packages.${system}.wordtally} $out/bin/wordtally
        '';
    defaults = {
      project = "example";
      bigqueryEndpoint = "http://127.0.0.1:9050";
    };
    instances = {
      the.word = "the";
      love = {
        word = "love";
        listen = "127.0.0.1:8082";
      };
      romeo = {
        word = "Romeo";
        listen = "127.0.0.1:82";
      };
      tis = {
        word = "'Tis";
        listen = "[::1]:8083";
      };
    };
    reverseProxy = {
      enable = true;
      hostName = words;
      enableACME = true;
    };
    monitoring.enable = true;
  };
}
