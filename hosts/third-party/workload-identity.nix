# The machine's identity, as an agent of its platform would maintain it: a token in a file that is replaced from time to
# time. There is no credential file. The stand-in takes BigQuery's place and trusts this identity.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  directory = "/run/workload-identity";
  issuer = "https://platform.example.test";
  pool = "iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/example";
  audience = "//${pool}/providers/platform";
  everyone = [ "principalSet://${pool}/*" ];

  # The configuration of the token exchange, which is not a secret.
  configuration = pkgs.writeText "workload-identity.json" (
    builtins.toJSON {
      type = "external_account";
      inherit audience;
      subject_token_type = "urn:ietf:params:oauth:token-type:jwt";
      token_url = "http://127.0.0.1:9050/v1/token";
      credential_source.file = "${directory}/token";
    }
  );

  iam = pkgs.writeText "iam.json" (
    builtins.toJSON {
      workloadIdentityProviders = [
        {
          inherit audience issuer;
          publicKeys = [ "@KEY@" ];
        }
      ];
      projects.example."roles/bigquery.jobUser" = everyone;
      datasets."bigquery-public-data.samples"."roles/bigquery.dataViewer" = everyone;
    }
  );
in
{
  systemd.services = {
    workload-identity = {
      description = "The machine's identity";
      wantedBy = [ "multi-user.target" ];
      # The words' units cannot start without the token's folder.
      before = [
        "bigquery-standin.service"
      ]
      ++ map (name: "wordtally-${name}.service") (lib.attrNames config.services.wordtally.instances);
      path = [ pkgs.openssl ];
      startAt = "*:0/20";
      # The key is created in the token's folder, and only its public half leaves it.
      script = ''
        cd ${directory}
        [ -e key.pem ] || (umask 077; openssl genpkey -algorithm RSA -out key.pem)
        public=$(openssl pkey -in key.pem -pubout)
        text=$(cat ${iam})
        printf '%s' "''${text/@KEY@/"''${public//$'\n'/\\n}"}" >iam.json

        base64url() { openssl base64 -A | tr +/ -_ | tr -d =; }
        now=$(date +%s)
        head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url)
        claims=$(printf '{"iss":"%s","aud":"%s","sub":"machine","iat":%d,"exp":%d}' \
          ${issuer} https:${audience} "$now" "$((now + 3600))" | base64url)
        signature=$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -sign key.pem -binary | base64url)
        printf '%s.%s.%s' "$head" "$claims" "$signature" >token.new
        mv token.new token
      '';
      serviceConfig = {
        Type = "oneshot";
        DynamicUser = true;
        RuntimeDirectory = "workload-identity";
        RuntimeDirectoryPreserve = true;
      };
    };
    bigquery-standin.serviceConfig.BindReadOnlyPaths = [ directory ];
  };

  services.wordtally.defaults = {
    extraEnvironment.GOOGLE_APPLICATION_CREDENTIALS = toString configuration;
    extraReadOnlyPaths = [ directory ];
  };
  services.bigquery-standin = {
    enable = true;
    iam = [ "${directory}/iam.json" ];
  };
}
