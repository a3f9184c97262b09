# Production: the words behind one front door, asking Google's BigQuery.
{ config, words, ... }:
{
  imports = [ ../common.nix ];

  networking.hostName = "wordtally-prod";

  services.wordtally = {
    instances = words.prod;
    defaults.credentialFile = config.age.secrets."bigquery.json".path;
  };

  age.secrets."bigquery.json".file = ../../secrets/prod/bigquery.json.age;
}
