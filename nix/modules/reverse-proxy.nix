# The reverse proxy: nginx, which terminates the clients' TLS and forwards requests to each word's instance.
{ packagesFor }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkDefault mkOption types;
  wordtally = config.services.wordtally;
  cfg = wordtally.reverseProxy;
  inherit (wordtally) instances;
  inherit (config.services) nginx;

  encryptedFiles = import ./encrypted-files.nix { inherit lib config; };
  cache = import ./reverse-proxy-cache.nix {
    inherit lib;
    byOrigin = lib.any (
      instance:
      !lib.elem instance.corsOrigin [
        null
        "*"
      ]
    ) (lib.attrValues instances);
  };
  static = import ./reverse-proxy-static.nix {
    inherit lib;
    inherit (pkgs) runCommand;
    package = import ./runnable.nix { inherit packagesFor; } {
      inherit pkgs;
      inherit (wordtally) package;
    };
    siteFile = config.environment.etc."wordtally/site.json".source;
  };

  # `IP:PORT`, split in two.
  internal = lib.match "(.+):([0-9]+)" cfg.internalListen;
  names = lib.attrNames instances;
  sameButForCase = lib.filter (group: lib.length group > 1) (
    lib.attrValues (lib.groupBy lib.toLower names)
  );

  # The source of the certificate: exactly one of these.
  certificates = lib.attrNames (
    lib.filterAttrs (_: used: used) {
      certificateFile = cfg.certificateFile != null || cfg.certificateKeyFile != null;
      enableACME = cfg.enableACME;
      useACMEHost = cfg.useACMEHost != null;
    }
  );

  # With ACME, NixOS replaces this path with its own; without any certificate, an assertion fails first.
  orNone = file: if file == null then "/dev/null" else file;

  upstream = name: "wordtally-${name}";

  address = import ./address.nix { inherit lib; };

  addHeaders = lib.concatMapAttrsStringSep "\n" (
    name: value: "add_header ${name} \"${value}\" always;"
  );
  # On every response over TLS. nginx drops these if a location adds its own fields, so such a location has to repeat them.
  secure = {
    Strict-Transport-Security = "max-age=31536000";
  };
  # On responses of nginx itself; an instance sends its own.
  own = secure // {
    X-Content-Type-Options = "nosniff";
    Referrer-Policy = "no-referrer";
    Cross-Origin-Resource-Policy = "same-origin";
  };
  healthz.extraConfig = ''
    default_type text/plain;
    ${addHeaders (own // { Cache-Control = "no-store"; })}
    return 200 "ok\n";
  '';

  # Sends a request to an instance. Each request has its own connection, because an instance that stops may close an idle kept
  # connection at the moment when a request is written to it. A new connection to the instance's socket waits there for the
  # next process.
  ask = name: path: {
    proxyPass = "http://${upstream name}${path}";
    # The recommended settings would set `Host` a second time.
    recommendedProxySettings = false;
    extraConfig = ''
      proxy_http_version 1.1;
      proxy_set_header Connection "close";
      proxy_set_header Host ${cfg.hostName};
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    '';
  };

  # A page, from the cache if it may be cached.
  cached =
    asked:
    asked
    // {
      extraConfig = asked.extraConfig + cache.location;
    };
  page = name: cached (ask name "/");

  # A word's other public files: the page in each format, by file name, and files that programs and browsers read. One location
  # serves them for all words; no request for a page reaches it.
  files = lib.optionalAttrs (names != [ ]) {
    "~ ^/(?<wordtally_name>${lib.concatStringsSep "|" names})/(?<wordtally_file>counts\\.(?:html|json|csv|md|txt)|openapi\\.json|schema\\.json)$" =
      cached (ask "$wordtally_name" "/$wordtally_file$is_args$args");
  };

  # The index of all words. While it is down, nginx serves the list from its own files.
  index =
    let
      asked = page "index";
    in
    asked
    // {
      extraConfig = asked.extraConfig + ''
        # The index responds from memory. A client that would wait for longer is better served by the list.
        proxy_read_timeout 5s;
        proxy_intercept_errors on;
        ${static.errors}
        ${static.list}
      '';
    };

  # The limits and timeouts. They are set in each of our servers, so that the host's other servers keep their own.
  limits = ''
    access_log off;
    server_tokens off;
    client_max_body_size 1;
    client_header_buffer_size 2k;
    large_client_header_buffers 4 8k;
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 10s;
    lingering_time 5s;
    lingering_timeout 2s;
    reset_timedout_connection on;
    keepalive_timeout 15s;
    # After a reload, the old process answers the next request on a connection that a client keeps, and then closes it.
    # Without this setting it would close the connection at once, although a request may be on its way.
    keepalive_min_timeout 15s;

    proxy_connect_timeout 5s;
    # Covers a restart: a drain of at most 10 seconds, a start, and 10 seconds for the first answer.
    proxy_read_timeout 40s;
    proxy_send_timeout 10s;
    proxy_buffers 16 8k;
    proxy_max_temp_file_size 0;
    # Only GET and HEAD arrive here, so a second try is safe.
    proxy_next_upstream error;
    proxy_next_upstream_tries 2;
    # Independent of what the host caches.
    proxy_cache off;
    # The instance writes its own error pages.
    proxy_intercept_errors off;

    # The entity tags belong to the bytes that the instance sent.
    gzip off;
    ${lib.optionalString nginx.recommendedBrotliSettings "brotli off;"}
    ${lib.optionalString nginx.experimentalZstdSettings "zstd off;"}
    absolute_redirect off;
  '';

  # nginx's own 404, 405, 429 and 503 are in the pages' style, or in the format that a program asks for. A request that nginx
  # refuses before it knows the path, for example because of a large body or header field, gets nginx's own short page.
  errors = {
    extraConfig = ''
      ${limits}
      if ($request_method !~ ^(GET|HEAD)$) {
        return 405;
      }
      ${static.errors}
      ${static.unavailable}
    '';
    locations = static.location { fields = addHeaders own; } // {
      # By a missing file, because `return` would take effect before the limits.
      "/".tryFiles = "/nothing =404";
    };
  };

  public = {
    default = cfg.defaultServer;
    onlySSL = true;
    http2 = true;
    serverName = cfg.hostName;
    sslCertificate = orNone cfg.certificateFile;
    sslCertificateKey = toString (orNone cfg.certificateKeyFile);
    # The plain server orders it, because the challenge is requested from that server.
    useACMEHost = if cfg.enableACME then cfg.hostName else cfg.useACMEHost;
    root = static.files;
    extraConfig = ''
      ${errors.extraConfig}
      ${addHeaders secure}
      ${cache.server}
      # nginx counts each stream as a connection, so this tells clients to open no more streams than allowed.
      http2_max_concurrent_streams ${toString (lib.min 128 cfg.limits.connectionsPerAddress)};
      limit_conn wordtally_connections ${toString cfg.limits.connectionsPerAddress};
      limit_conn_status 429;
      limit_req zone=wordtally_requests burst=${toString cfg.limits.burst} nodelay;
      limit_req_status 429;
    '';
    locations =
      errors.locations
      // {
        "= /healthz" = healthz;
        "= /" = index;
      }
      // files
      // lib.concatMapAttrs (name: _: {
        "= /${name}".return = "301 /${name}/$is_args$args";
        "= /${name}/" = page name;
      }) instances;
  };

  # On the host's own addresses, like any server without TLS. With ACME, NixOS adds the location of the challenges, whose longer
  # prefix takes precedence over the redirect.
  plain = {
    default = cfg.defaultServer;
    serverName = cfg.hostName;
    inherit (cfg) enableACME useACMEHost;
    extraConfig = limits;
    locations = {
      "= /healthz" = healthz;
      "/".return = "301 https://${cfg.hostName}$request_uri";
    };
  };

  internalServer = {
    serverName = "internal";
    listen = [
      {
        addr = lib.elemAt internal 0;
        port = lib.toInt (lib.elemAt internal 1);
      }
    ];
    root = static.files;
    inherit (errors) extraConfig;
    locations =
      errors.locations
      // lib.concatMapAttrs (
        name: _:
        lib.genAttrs' [ "/metrics" "/readyz" "/healthz" ] (
          path: lib.nameValuePair "= /${name}${path}" (ask name path)
        )
      ) instances;
  };
in
{
  # The options' former names.
  imports =
    let
      root = [
        "services"
        "wordtally"
      ];
      renamed =
        old: new:
        lib.mkRenamedOptionModule (root ++ [ "frontdoor" ] ++ old) (root ++ [ "reverseProxy" ] ++ new);
    in
    [ (renamed [ "insideListen" ] [ "internalListen" ]) ]
    ++ map (path: renamed path path) [
      [ "enable" ]
      [ "hostName" ]
      [ "certificateFile" ]
      [ "certificateKeyFile" ]
      [ "enableACME" ]
      [ "useACMEHost" ]
      [ "defaultServer" ]
      [ "openFirewall" ]
      [
        "limits"
        "connectionsPerAddress"
      ]
      [
        "limits"
        "requestsPerSecond"
      ]
      [
        "limits"
        "burst"
      ]
    ];

  options.services.wordtally.reverseProxy = {
    enable = lib.mkEnableOption "the reverse proxy: nginx with TLS in front of all words";
    hostName = mkOption {
      type = types.str;
      example = "words.example.com";
      description = "Host name in the clients' URLs and in the certificate.";
    };
    certificateFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "Certificate and the chain to its root, in PEM. The file may be public. `null` if ACME provides the certificate.";
    };
    certificateKeyFile = mkOption {
      type = types.nullOr (types.either types.path types.str);
      default = null;
      example = lib.literalExpression ''config.age.secrets."tls.key".path'';
      description = ''
        Private key of the certificate, outside the store and readable by nginx's user. If it is an agenix secret, nginx
        is reloaded when the secret changes.
      '';
    };
    enableACME = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether to obtain the certificate of `hostName` by ACME, with the challenge HTTP-01 on port 80. It is an entry of
        `security.acme.certs`; `security.acme.acceptTerms` and `security.acme.defaults.email` must be set.
      '';
    };
    useACMEHost = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "example.com";
      description = ''
        Name of a certificate in `security.acme.certs` that is valid for `hostName`, such as a wildcard certificate. Its
        `group` must let nginx's user read it.
      '';
    };
    defaultServer = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the reverse proxy also serves requests for the bare IP address and for names that no other virtual host
        has, as nginx's default server on its ports.
      '';
    };
    internalListen = mkOption {
      type = types.str;
      default = "127.0.0.1:9180";
      description = ''
        `IP:PORT` at which `/<name>/metrics`, `/<name>/readyz` and `/<name>/healthz` are served, without TLS. It is
        for monitoring, and must not be reachable by clients.
      '';
    };
    openFirewall = mkOption {
      type = types.bool;
      default = true;
      description = "Whether to open ports 80 and 443 in the firewall.";
    };
    limits = {
      connectionsPerAddress = mkOption {
        type = types.ints.positive;
        default = 32;
        description = "Maximum number of concurrent requests from one address, as HTTP/1 connections and HTTP/2 streams; one more gets 429.";
      };
      requestsPerSecond = mkOption {
        type = types.ints.positive;
        default = 20;
        description = "Requests that one address may send per second, sustained; beyond this rate, `burst` applies.";
      };
      burst = mkOption {
        type = types.ints.unsigned;
        default = 100;
        description = "Requests that one address may send in excess of `requestsPerSecond`; one more gets 429.";
      };
    };
  };

  config = lib.mkIf (wordtally.enable && cfg.enable) {
    assertions = [
      {
        assertion = lib.length certificates == 1;
        message =
          if certificates == [ ] then
            "services.wordtally.reverseProxy has no certificate: set certificateFile and certificateKeyFile, or enableACME, or useACMEHost."
          else
            "services.wordtally.reverseProxy takes its certificate from ${lib.concatStringsSep " and " certificates}: keep one of them.";
      }
      {
        assertion = (cfg.certificateFile == null) == (cfg.certificateKeyFile == null);
        message = "services.wordtally.reverseProxy has only one of certificateFile and certificateKeyFile: set both.";
      }
      {
        assertion = nginx.config == "" && nginx.httpConfig == "";
        message = "services.nginx.config and httpConfig replace all virtual hosts, including the reverse proxy's: use appendConfig and appendHttpConfig.";
      }
      {
        assertion =
          !builtins.isPath cfg.certificateKeyFile
          && !lib.hasPrefix builtins.storeDir (toString cfg.certificateKeyFile);
        message = "services.wordtally.reverseProxy.certificateKeyFile is in the store, which everyone can read: give the path of a file outside it, such as an agenix secret.";
      }
      {
        assertion = lib.match "[A-Za-z0-9.-]+" cfg.hostName != null;
        message = "services.wordtally.reverseProxy.hostName is '${cfg.hostName}', which is not a host name: give one such as words.example.com, without scheme or port.";
      }
      {
        assertion = internal != null;
        message = "services.wordtally.reverseProxy.internalListen is '${cfg.internalListen}': give an address and a port, such as 127.0.0.1:9180.";
      }
    ]
    ++
      lib.mapAttrsToList
        (taken: by: {
          assertion = !lib.elem taken names;
          message = "services.wordtally.instances: the name '${taken}' is taken by ${by}: choose another.";
        })
        {
          healthz = "the reverse proxy's own /healthz";
          index = "the unit of the index of all words, wordtally-index";
        }
    ++ map (group: {
      assertion = false;
      message = "services.wordtally.instances: ${lib.concatStringsSep " and " group} differ only in case, which nginx does not distinguish: choose other names.";
    }) sameButForCase;

    services.wordtally.socketGroup = mkDefault nginx.group;

    # Only our own servers: the host decides everything else about nginx.
    services.nginx = {
      enable = true;
      appendHttpConfig = ''
        ${cache.http}
        ${static.http}
        limit_conn_zone $binary_remote_addr zone=wordtally_connections:10m;
        limit_req_zone $binary_remote_addr zone=wordtally_requests:10m rate=${toString cfg.limits.requestsPerSecond}r/s;
      '';

      # The same server twice, so that a request whose process died gets a second try. It is never marked as failed, because the
      # socket exists while the process does not.
      upstreams =
        lib.mapAttrs'
          (
            name: server:
            lib.nameValuePair (upstream name) {
              extraConfig = ''
                server ${server} max_fails=0;
                server ${server} max_fails=0;
              '';
            }
          )
          (
            {
              index = "unix:/run/wordtally/index.sock";
            }
            // lib.mapAttrs (_: instance: address instance.listen) instances
          );

      virtualHosts = {
        wordtally = public;
        wordtally-plain = plain;
        wordtally-internal = internalServer;
      };
    };

    # The path of the key does not change with the key; that of the certificate does.
    systemd.services.nginx.reloadTriggers = encryptedFiles cfg.certificateKeyFile;

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [
      nginx.defaultHTTPListenPort
      nginx.defaultSSLListenPort
    ];
  };
}
