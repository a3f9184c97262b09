# A program that writes a host's words as Kubernetes objects, for `kubectl apply`.
{
  lib,
  callPackage,
  wordtally,
  # The NixOS host whose words these are.
  host,
  platforms,
}:
let
  inherit (platforms) googleServiceAccount;
  cfg = platforms.kubernetes;
  inherit (host.config.services.wordtally) reverseProxy;

  name = import ./name.nix { inherit lib; } {
    platform = "Kubernetes";
    longest = 63;
  };

  port = 8080;
  # As in src/server/limits.rs.
  drain = 10;

  # The variables, sorted by name. Kubernetes reads `$(X)` as a reference to another variable, and `$$` as one `$`.
  env = lib.mapAttrsToList (
    name: value: {
      inherit name;
      value = lib.replaceStrings [ "$" ] [ "$$" ] value;
    }
  );

  memory = import ./memory.nix { inherit lib; };

  labels = {
    "app.kubernetes.io/name" = "wordtally";
  };
  ofWord = word: labels // { "app.kubernetes.io/instance" = word; };

  object =
    apiVersion: kind: metadata: fields:
    { inherit apiVersion kind metadata; } // fields;
  inNamespace = objectName: objectLabels: {
    name = objectName;
    inherit (cfg) namespace;
    labels = objectLabels // {
      "app.kubernetes.io/version" = wordtally.version;
    };
  };
  list = items: {
    apiVersion = "v1";
    kind = "List";
    inherit items;
  };

  ports = protocol: numbers: map (port: { inherit protocol port; }) numbers;
  address = cidr: { ipBlock = { inherit cidr; }; };
  podsOfSystem = app: {
    namespaceSelector.matchLabels."kubernetes.io/metadata.name" = "kube-system";
    podSelector.matchLabels.k8s-app = app;
  };
  dns = ports "UDP" [ 53 ] ++ ports "TCP" [ 53 ];

  # The objects that all words share.
  common = list [
    (object "v1" "Namespace" {
      name = cfg.namespace;
      labels =
        labels
        // lib.genAttrs' [ "enforce" "audit" "warn" ] (mode: {
          name = "pod-security.kubernetes.io/${mode}";
          value = "restricted";
        });
    } { })
    (object "v1" "ServiceAccount"
      (
        inNamespace "wordtally" labels
        // {
          annotations."iam.gke.io/gcp-service-account" = googleServiceAccount;
        }
      )
      {
        automountServiceAccountToken = false;
        imagePullSecrets = map (name: { inherit name; }) cfg.imagePullSecrets;
      }
    )
    # For every pod of the namespace; traffic that is not named here is refused.
    (object "networking.k8s.io/v1" "NetworkPolicy" (inNamespace "wordtally" labels) {
      spec = {
        podSelector = { };
        policyTypes = [
          "Ingress"
          "Egress"
        ];
        ingress = [
          {
            from = cfg.clients ++ cfg.monitoring;
            ports = ports "TCP" [ port ];
          }
        ];
        egress = [
          {
            to = [
              (podsOfSystem "kube-dns")
              # The node's DNS cache: as a pod with Dataplane V2, which redirects kube-dns traffic to it, and by its address.
              (podsOfSystem "node-local-dns")
              (address "169.254.20.10/32")
              # Cloud DNS.
              (address "169.254.169.254/32")
            ]
            ++ map address cfg.dns;
            ports = dns;
          }
          # GKE's metadata server, which issues the tokens: with Dataplane V2, and without it.
          {
            to = [ (address "169.254.169.254/32") ];
            ports = ports "TCP" [ 80 ];
          }
          {
            to = [ (address "169.254.169.252/32") ];
            ports = ports "TCP" [ 988 ];
          }
          {
            to = map address cfg.google;
            ports = ports "TCP" [ 443 ];
          }
        ];
      };
    })
  ];

  probe = path: periodSeconds: failureThreshold: {
    httpGet = {
      inherit path;
      port = "http";
    };
    timeoutSeconds = 5;
    inherit periodSeconds failureThreshold;
  };

  container = instance: variables: {
    name = "wordtally";
    env = env variables;
    ports = [
      {
        name = "http";
        containerPort = port;
      }
    ];
    # It listens at once; only /readyz waits for BigQuery.
    startupProbe = probe "/healthz" 1 30;
    livenessProbe = probe "/healthz" 10 3;
    readinessProbe = probe "/readyz" 5 1;
    lifecycle.preStop.sleep.seconds = cfg.preStopSeconds;
    resources = {
      requests = {
        cpu = "50m";
        memory = (memory instance.memoryMax).request;
      };
      limits = {
        # The service has one thread per worker.
        cpu = toString (if instance.workers == null then 1 else instance.workers);
        memory = (memory instance.memoryMax).limit;
      };
    };
    securityContext = {
      allowPrivilegeEscalation = false;
      readOnlyRootFilesystem = true;
      capabilities.drop = [ "ALL" ];
    };
  };

  word =
    key: instance: variables:
    let
      named = name.of key;
      metadata = inNamespace named (ofWord key);
      selector.matchLabels = ofWord key;
      spread = topologyKey: {
        inherit topologyKey;
        maxSkew = 1;
        whenUnsatisfiable = "ScheduleAnyway";
        labelSelector = selector;
        # Only pods of one revision are counted; otherwise terminating old pods could leave the new ones on one node.
        matchLabelKeys = [ "pod-template-hash" ];
      };
      at = path: {
        path = {
          type = "Exact";
          value = "/${key}${path}";
        };
      };
    in
    list [
      (object "apps/v1" "Deployment" metadata {
        # The HorizontalPodAutoscaler sets the number of pods; a number here would overwrite it at each apply.
        spec = {
          inherit selector;
          strategy = {
            type = "RollingUpdate";
            rollingUpdate = {
              maxUnavailable = 0;
              maxSurge = 1;
            };
          };
          template = {
            metadata = { inherit (metadata) labels; };
            spec = {
              serviceAccountName = "wordtally";
              # GKE's metadata server identifies a pod without it.
              automountServiceAccountToken = false;
              enableServiceLinks = false;
              terminationGracePeriodSeconds = cfg.preStopSeconds + drain + 5;
              securityContext = {
                runAsNonRoot = true;
                # The user of the image.
                runAsUser = 65532;
                runAsGroup = 65532;
                seccompProfile.type = "RuntimeDefault";
              };
              topologySpreadConstraints = map spread [
                "kubernetes.io/hostname"
                "topology.kubernetes.io/zone"
              ];
              containers = [ (container instance variables) ];
            };
          };
        };
      })
      (object "v1" "Service" metadata {
        spec = {
          selector = ofWord key;
          ports = [
            {
              name = "http";
              port = 80;
              targetPort = "http";
              appProtocol = "http";
            }
          ];
        };
      })
      # Each pod queries BigQuery by itself, so more of them cost more.
      (object "autoscaling/v2" "HorizontalPodAutoscaler" metadata {
        spec = {
          scaleTargetRef = {
            apiVersion = "apps/v1";
            kind = "Deployment";
            name = named;
          };
          minReplicas = 2;
          maxReplicas = 4;
          metrics = [
            {
              type = "Resource";
              resource = {
                name = "cpu";
                target = {
                  type = "Utilization";
                  averageUtilization = 80;
                };
              };
            }
          ];
        };
      })
      (object "policy/v1" "PodDisruptionBudget" metadata {
        spec = {
          inherit selector;
          maxUnavailable = 1;
          # A node can be drained even while BigQuery fails.
          unhealthyPodEvictionPolicy = "AlwaysAllow";
        };
      })
      (object "gateway.networking.k8s.io/v1" "HTTPRoute" metadata {
        spec = {
          parentRefs = [ cfg.gateway ];
          hostnames = [ reverseProxy.hostName ];
          rules = [
            # An exact path takes precedence over a prefix, so the internal paths are not exposed. GKE's Gateways rewrite only
            # prefixes.
            {
              matches = map at [
                ""
                "/healthz"
                "/readyz"
                "/metrics"
                "/livez"
              ];
              filters = [
                {
                  type = "RequestRedirect";
                  requestRedirect = {
                    statusCode = 301;
                    path = {
                      type = "ReplaceFullPath";
                      replaceFullPath = "/${key}/";
                    };
                  };
                }
              ];
            }
            {
              matches = [
                {
                  path = {
                    type = "PathPrefix";
                    value = "/${key}";
                  };
                }
              ];
              filters = [
                {
                  type = "URLRewrite";
                  urlRewrite.path = {
                    type = "ReplacePrefixMatch";
                    replacePrefixMatch = "/";
                  };
                }
              ];
              backendRefs = [
                {
                  name = named;
                  port = 80;
                }
              ];
            }
          ];
        };
      })
    ];
in
callPackage ./program.nix { inherit wordtally host platforms; } {
  inherit port word;
  name = "wordtally-kubernetes";
  description = "Writes production's words as Kubernetes objects";
  files."common.yaml" = common;
}
