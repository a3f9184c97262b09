# What Kubernetes and Cloud Run have to be told beside production's words. Placeholders: put your own.
{
  # The Google service account that may ask BigQuery; whoever runs a word acts as it.
  googleServiceAccount = "wordtally@my-project-123.iam.gserviceaccount.com";

  # The project that pays for the queries of a word that names none; `null`: the account's.
  project = null;

  kubernetes = {
    namespace = "wordtally";

    # Names of Secrets in that namespace, for a registry that the nodes may not pull from by themselves.
    imagePullSecrets = [ ];

    # The Gateway, with its TLS and its certificate, is the cluster's own. Without the name of its listener with TLS, one
    # without would serve the words as well.
    gateway = {
      name = "public";
      namespace = "gateway";
      sectionName = "https";
    };

    # Who may connect to the words, as a NetworkPolicy names them: what the Gateway forwards from, which on GKE are
    # Google's load balancers, and what reads /metrics. A regional or internal Gateway there forwards from its proxy-only
    # subnet: add it.
    clients = [
      { namespaceSelector.matchLabels."kubernetes.io/metadata.name" = "gateway"; }
      { ipBlock.cidr = "35.191.0.0/16"; }
      { ipBlock.cidr = "130.211.0.0/22"; }
    ];
    monitoring = [
      { namespaceSelector.matchLabels."kubernetes.io/metadata.name" = "monitoring"; }
    ];

    # Where names are asked for besides: the Service kube-dns' own address, such as "10.8.0.10/32", where a node has a
    # DNS cache and Calico keeps the policies.
    dns = [ ];

    # A request that is on its way when a pod is told to go still reaches it: for this long the pod only leaves the
    # Service. Google's load balancers take tens of seconds to know.
    preStopSeconds = 40;

    # BigQuery and Google's tokens by private.googleapis.com, as on the NixOS hosts: the zone googleapis.com must lead
    # there.
    google = [ "199.36.153.8/30" ];
  };

  cloudRun = {
    # Asked by a load balancer, which sends on only what is to be public: each service's /metrics is at the same port.
    ingress = "internal-and-cloud-load-balancing";
  };
}
