# Tests the commands of the pipeline's jobs and of the set-up of a project.
{ pkgs, self, ... }:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system})
    check-tag
    keep
    push-cache
    set-up-gitlab
    ;
  # Records what GitLab would receive. A variable that exists is updated, and one environment has had a deployment.
  glab = pkgs.writeShellScriptBin "glab" ''
    case "$1 $2" in
    "variable update") [ -e "$NOTES/$3.$5" ] || exit 1 ;;
    "variable set") ;;
    *)
      echo "$*" >>"$NOTES/api"
      [[ $* != *resource_groups* || $* == *resource_groups/dev* ]]
      exit
      ;;
    esac
    echo "''${*:4}" >"$NOTES/$3.$5"
    cat >>"$NOTES/$3.$5"
  '';
in
pkgs.runCommand "pipeline-commands"
  {
    nativeBuildInputs = [
      check-tag
      keep
      push-cache
      (set-up-gitlab.override { inherit glab; })
    ];
    version = (pkgs.lib.importTOML ../../Cargo.toml).workspace.package.version;
  }
  ''
    refuses() {
      local text=$1 code
      shift
      "$@" >said 2>&1 && code=0 || code=$?
      if [ $code = 0 ] || ! grep --quiet --fixed-strings -- "$text" said; then
        echo "$* ended with $code and said:" >&2
        cat said >&2
        exit 1
      fi
    }

    check-tag v$version
    for tag in $version v$version.0 v$version-rc1 v "v$version "; do
      refuses "expected v$version" check-tag "$tag"
    done

    # Links become files, permissions are kept, and the folder can be removed again.
    mkdir -p store/bin
    echo content >store/file
    printf '#!/bin/sh\n' >store/bin/program
    chmod 555 store/bin/program store/bin
    chmod 444 store/file
    mkdir built && ln -s $PWD/store/* built/ && ln -s built result
    keep result kept
    [ -z "$(find kept -type l)" ]
    [ -x kept/bin/program ]
    cmp kept/file store/file
    rm -r kept/bin
    refuses "already exists" keep result kept

    NIX_CACHE= push-cache result | grep --quiet "NIX_CACHE is not set"
    NIX_CACHE=file://$PWD/cache push-cache result | grep --quiet "NIX_CACHE_KEY_FILE is not set"
    [ ! -e cache ]

    export NOTES=$PWD/notes
    mkdir notes keys
    refuses "give the folder" set-up-gitlab keys
    for name in cosign.key cosign-password deploy-dev deploy-mock-prod; do
      echo "content of $name" >keys/$name
    done
    for again in 1 2; do
      set-up-gitlab keys >said
      diff - <(cd notes && head -n 2 [A-Z]*) <<'END'
    ==> COSIGN_KEY.signing <==
    --scope signing --type file --protected --raw
    content of cosign.key

    ==> COSIGN_PASSWORD_FILE.signing <==
    --scope signing --type file --protected --raw
    content of cosign-password

    ==> DEPLOY_HOSTS.* <==
    --scope * --raw
    dev mock-prod
    ==> DEPLOY_IDENTITY.dev <==
    --scope dev --type file --protected --raw
    content of deploy-dev

    ==> DEPLOY_IDENTITY.mock-prod <==
    --scope mock-prod --type file --protected --raw
    content of deploy-mock-prod
    END
    done
    if grep "content of" notes/api said; then exit 1; fi
    grep --quiet "protected_tags --field name=v\*" notes/api
    grep --quiet "projects/:id --field ci_forward_deployment_enabled=false" notes/api
    grep --quiet "resource_groups/prod --field process_mode=newest_ready_first" notes/api
    grep --quiet "deployments to dev: newest first" said
    grep --quiet "deployments to prod: in any order" said
    cp said $out
  ''
