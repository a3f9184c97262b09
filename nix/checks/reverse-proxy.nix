# A word that is added to the list appears everywhere, however it is spelt, and nginx accepts the configuration.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  word = ''a"b'c %n $host \ <i>&amp; {{ x }} é'';
  inherit
    (hosts.mock-prod.extendModules {
      modules = [
        {
          # The option's former name.
          services.wordtally.frontdoor.insideListen = "127.0.0.1:9179";
          services.wordtally.instances = {
            added = {
              inherit word;
              corsOrigin = "https://www.example.com";
            };
            ported = {
              word = "port";
              listen = "0.0.0.0:8099";
            };
          };
        }
      ];
    })
    config
    ;
  nginx = config.services.nginx;
  locations = nginx.virtualHosts.wordtally.locations;
  internal = nginx.virtualHosts.wordtally-internal.locations;
  site = builtins.fromJSON config.environment.etc."wordtally/site.json".text;
  index = config.systemd.services.wordtally-index.serviceConfig;
  scraped =
    job:
    lib.findFirst (s: s.labels.instance == "added") null
      (lib.findFirst (s: s.job_name == job) null config.services.prometheus.scrapeConfigs).static_configs;

  expectations = {
    "a unit" = config.systemd.services ? wordtally-added;
    "a socket" =
      config.systemd.sockets.wordtally-added.socketConfig.ListenStream == "/run/wordtally/added.sock";
    "a socket that nginx may connect to" =
      config.systemd.sockets.wordtally-added.socketConfig.SocketGroup == nginx.group;
    "a route" = locations."= /added/".proxyPass == "http://wordtally-added/";
    "a redirect to it" = locations."= /added".return == "301 /added/$is_args$args";
    "routes to its files" = lib.any (lib.hasPrefix "~ ^/(?<wordtally_name>added|love|") (
      lib.attrNames locations
    );
    "the index's route" = locations."= /".proxyPass == "http://wordtally-index/";
    "a socket that is there before the index starts, which is not restarted for it" =
      lib.elem "wordtally-index.service" config.systemd.sockets.wordtally-added.before
      && !lib.any (lib.hasPrefix "wordtally-added") config.systemd.services.wordtally-index.after;
    "links to the others" =
      config.systemd.services.wordtally-added.environment.SITE == "/etc/wordtally/site.json";
    "a place in the site" = lib.elem {
      inherit word;
      url = "/added/";
      address = "unix:/run/wordtally/added.sock";
    } site.words;
    "an address for the index, which may reach no other" =
      lib.elem {
        word = "port";
        url = "/ported/";
        address = "127.0.0.1:8099";
      } site.words
      && index.IPAddressAllow == [ "127.0.0.1" ]
      && !index ? PrivateNetwork;
    "no network for the index of sockets alone" =
      hosts.mock-prod.config.systemd.services.wordtally-index.serviceConfig.PrivateNetwork;
    "no copy for pages of other origins, where these get another answer" =
      lib.hasInfix "$http_origin" nginx.appendHttpConfig
      && !lib.hasInfix "$http_origin" hosts.mock-prod.config.services.nginx.appendHttpConfig;
    "the unit of another word as it was, so that it is not restarted" =
      config.systemd.units."wordtally-the.service".text
      == hosts.mock-prod.config.systemd.units."wordtally-the.service".text;
    "an upstream on its socket" =
      lib.hasInfix "server unix:/run/wordtally/added.sock " nginx.upstreams.wordtally-added.extraConfig;
    "an upstream on its port" =
      lib.hasInfix "server 127.0.0.1:8099 " nginx.upstreams.wordtally-ported.extraConfig;
    "internal metrics" = internal ? "= /added/metrics";
    "an internal port of one's own" =
      map (listen: listen.port) nginx.virtualHosts.wordtally-internal.listen == [ 9179 ];
    "no public metrics" = !(locations ? "= /added/metrics") && !(locations ? "= /added/readyz");
    "a scrape target with its word" =
      (scraped "wordtally").labels.__metrics_path__ == "/added/metrics"
      && (scraped "wordtally").labels.word == word;
    "a probe of its page" = (scraped "wordtally-page").targets == [ "https://localhost/added/" ];
    "a reload of nginx by its key's secret" =
      config.systemd.services.nginx.reloadTriggers == [ config.age.secrets."tls.key".file ];
  };
  missing = lib.attrNames (lib.filterAttrs (_: holds: !holds) expectations);

  configuration = config.environment.etc."nginx/nginx.conf".source;
in
if missing != [ ] then
  throw "a word that is added to the list has not: ${lib.concatStringsSep "; " missing}"
else
  pkgs.runCommand "wordtally-reverse-proxy"
    {
      nativeBuildInputs = [
        nginx.package
        pkgs.jq
        pkgs.openssl
      ];
    }
    ''
      for alert in WordtallyPageUnavailable WordtallyDataOld WordtallyRefreshFailing; do
        if ! jq -e --arg alert "$alert" '
            .groups[] | select(.name == "wordtally-added") | .rules[] | select(.alert == $alert)
          ' ${lib.head config.services.prometheus.ruleFiles} >/dev/null
        then echo "the added word has no rule $alert" >&2; exit 1; fi
      done

      # The list that is shown while the index is down.
      if ! jq -e --arg word ${lib.escapeShellArg word} '
          .words[] | select(.url == "/added/") | .word == $word
        ' ${nginx.virtualHosts.wordtally.root}/list.json >/dev/null
      then echo "the list has no entry with the added word" >&2; exit 1; fi

      # A key that matches the certificate, and folders to which this build may write.
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout key.pem -out certificate.pem -days 1
      mkdir temp
      sed -e "s#ssl_certificate_key [^;]*#ssl_certificate_key $PWD/key.pem#" \
        -e "s#ssl_certificate [^;]*#ssl_certificate $PWD/certificate.pem#" \
        -e "s#^\( *\)pid .*#\1pid $PWD/pid;#" \
        -e "s#/var/cache/nginx/#$PWD/temp/#" \
        -e "s#/run/nginx/#$PWD/temp/#" \
        ${configuration} >nginx.conf
      nginx -t -e stderr -c "$PWD/nginx.conf"
      touch $out
    ''
