# A program that writes a host's words as Cloud Run services, for `gcloud run services replace`.
{
  lib,
  callPackage,
  wordtally,
  # The NixOS host whose words these are.
  host,
  platforms,
}:
let
  inherit (platforms) googleServiceAccount cloudRun;
  name = import ./name.nix { inherit lib; } {
    platform = "Cloud Run";
    longest = 49;
  };

  cpus = import ./cpus.nix { inherit lib; };

  # Cloud Run's own default; it sets PORT, which the service does not read.
  port = 8080;

  probe = path: periodSeconds: failureThreshold: {
    httpGet = { inherit path port; };
    timeoutSeconds = 5;
    inherit periodSeconds failureThreshold;
  };

  service = key: instance: variables: {
    apiVersion = "serving.knative.dev/v1";
    kind = "Service";
    metadata = {
      name = name.of key;
      labels.app = "wordtally";
      annotations."run.googleapis.com/ingress" = cloudRun.ingress;
    };
    spec = {
      template = {
        metadata = {
          labels.app = "wordtally";
          annotations = {
            # Answers are refreshed between requests, which needs a CPU and a running instance at that time.
            "run.googleapis.com/cpu-throttling" = "false";
            "autoscaling.knative.dev/minScale" = "1";
            # Each Cloud Run instance queries BigQuery by itself, so more of them cost more.
            "autoscaling.knative.dev/maxScale" = "4";
          };
        };
        spec = {
          serviceAccountName = googleServiceAccount;
          # The service accepts 512 connections, and the probes use some of them.
          containerConcurrency = 500;
          # The longest response waits 10 seconds for the first refresh.
          timeoutSeconds = 30;
          containers = [
            {
              name = "wordtally";
              env = lib.mapAttrsToList (name: value: { inherit name value; }) variables;
              ports = [
                {
                  name = "http1";
                  containerPort = port;
                }
              ];
              # A revision that gets no answer from BigQuery receives no traffic.
              startupProbe = probe "/readyz" 5 12;
              livenessProbe = probe "/healthz" 10 3;
              resources.limits = cpus.limits key (if instance.workers == null then 1 else instance.workers);
            }
          ];
        };
      };
      traffic = [
        {
          latestRevision = true;
          percent = 100;
        }
      ];
    };
  };
in
callPackage ./program.nix { inherit wordtally host platforms; } {
  inherit port;
  name = "wordtally-cloud-run";
  description = "Writes production's words as Cloud Run services";
  word = service;
  registries = {
    pattern = "([a-z]+[.])?gcr[.]io|[a-z0-9-]+-docker[.]pkg[.]dev|docker[.]io";
    sentence = "Cloud Run accepts images only from REGION-docker.pkg.dev, gcr.io and docker.io: push it there, or name it through a remote repository of Artifact Registry";
  };
}
