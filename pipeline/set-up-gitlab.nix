# Sets what a file in the repository cannot set in a GitLab project: the keys that `deploy keys` created, and three settings.
{
  lib,
  writeShellApplication,
  coreutils,
  glab,
  # The environments to which the pipeline deploys.
  environments,
}:
writeShellApplication {
  name = "set-up-gitlab";
  runtimeInputs = [
    coreutils
    glab
  ];
  text = ''
    if [ $# != 1 ] || [ ! -f "$1/cosign.key" ]; then
      echo "set-up-gitlab: give the folder that 'nix run .#deploy -- keys FOLDER' created; run this in a clone of the project, after 'glab auth login'" >&2
      exit 2
    fi
    folder=$1

    # The content is passed on standard input, never as an argument.
    variable() {
      glab variable update "$1" --scope "$2" "''${@:4}" <"$3" >/dev/null 2>&1 ||
        glab variable set "$1" --scope "$2" "''${@:4}" <"$3" >/dev/null
      echo "variable $1 for the environment $2"
    }
    variable COSIGN_KEY signing "$folder/cosign.key" --type file --protected --raw
    variable COSIGN_PASSWORD_FILE signing "$folder/cosign-password" --type file --protected --raw
    hosts=()
    for key in "$folder"/deploy-*; do
      [ -e "$key" ] || continue
      host=''${key#"$folder"/deploy-}
      hosts+=("$host")
      variable DEPLOY_IDENTITY "$host" "$key" --type file --protected --raw
    done
    if [ ''${#hosts[@]} != 0 ]; then
      printf %s "''${hosts[*]}" >"$folder/hosts"
      variable DEPLOY_HOSTS '*' "$folder/hosts" --raw
    fi

    # Pipelines of other tags get no protected variable.
    glab api --method POST projects/:id/protected_tags --field name='v*' --field create_access_level=40 >/dev/null 2>&1 ||
      glab api 'projects/:id/protected_tags/v*' >/dev/null
    echo "the tags v* are protected"
    # GitLab would fail the older of two deployments. `deploy` itself detects a newer release and reports it as a warning.
    glab api --method PUT projects/:id --field ci_forward_deployment_enabled=false >/dev/null
    echo "the host decides whether a deployment is outdated"
    # The newest waiting job runs first. GitLab creates a resource group with the first pipeline that has its job.
    for host in ${lib.escapeShellArgs environments}; do
      if glab api --method PUT "projects/:id/resource_groups/$host" --field process_mode=newest_ready_first >/dev/null 2>&1; then
        echo "deployments to $host: newest first"
      else
        echo "deployments to $host: in any order, because no pipeline has deployed there yet; run this again after the first deployment"
      fi
    done
  '';
  meta.description = "Sets a GitLab project's keys and settings";
}
