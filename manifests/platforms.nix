# The values that Kubernetes and Cloud Run need besides production's words. These are placeholders: set your own values.
{
  # The Google service account that may query BigQuery; the words run as it.
  googleServiceAccount = "wordtally@my-project-123.iam.gserviceaccount.com";

  # The project that pays for the queries of a word without a project; `null`: the account's project.
  project = null;

  kubernetes = {
    namespace = "wordtally";

    # Names of Secrets in that namespace, for a registry from which the nodes may not pull by themselves.
    imagePullSecrets = [ ];

    # The Gateway, with its TLS and its certificate, belongs to the cluster. Without the name of its TLS listener, a listener
    # without TLS would serve the words as well.
    gateway = {
      name = "public";
      namespace = "gateway";
      sectionName = "https";
    };

    # The clients that may connect to the words, as a NetworkPolicy names them: the sources from which the Gateway forwards,
    # which on GKE are Google's load balancers, and the reader of /metrics. A regional or internal Gateway on GKE forwards from
    # its proxy-only subnet: add that.
    clients = [
      { namespaceSelector.matchLabels."kubernetes.io/metadata.name" = "gateway"; }
      { ipBlock.cidr = "35.191.0.0/16"; }
      { ipBlock.cidr = "130.211.0.0/22"; }
    ];
    monitoring = [
      { namespaceSelector.matchLabels."kubernetes.io/metadata.name" = "monitoring"; }
    ];

    # Further resolvers: the address of the Service kube-dns, such as "10.8.0.10/32", if the nodes have a DNS cache and Calico
    # enforces the policies.
    dns = [ ];

    # For this long a terminating pod is removed from the Service but still serves, so that it receives the requests that are
    # already on their way. Google's load balancers take tens of seconds to notice.
    preStopSeconds = 40;

    # BigQuery and Google's token server through private.googleapis.com, as on the NixOS hosts: the zone googleapis.com must
    # resolve to it.
    google = [ "199.36.153.8/30" ];
  };

  cloudRun = {
    # Only a load balancer reaches the services, and it forwards only what is public: each service's /metrics is on the same
    # port.
    ingress = "internal-and-cloud-load-balancing";
  };
}
