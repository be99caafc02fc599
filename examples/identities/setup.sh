#!/usr/bin/env bash
# Makes the two applications that pipelines sign in as, with the Azure CLI and as an administrator who may consent: one reads, one writes.
# Neither has a secret: each trusts the jobs of one repository, the one that writes only those behind an environment. It takes
# `az`, `jq` and `entragit`. To run it again, name the applications it made: REUSE="READER_ID WRITER_ID" ./setup.sh …
#
#   ./setup.sh github OWNER/REPOSITORY
#   ./setup.sh gitlab GROUP/PROJECT [https://gitlab.example.com]
#   ./setup.sh azure READER_ISSUER READER_SUBJECT WRITER_ISSUER WRITER_SUBJECT    # as the service connections' pages show them
#   ./setup.sh kubernetes ISSUER                                # az aks show --query oidcIssuerProfile.issuerUrl
set -euo pipefail
shopt -s inherit_errexit

# Makes an application with the permissions to `read` or to `write`; prints its client id. One of that name which is there already
# may belong to somebody who waits for permissions: it is taken only if it was named.
application() {
  local app grants
  for app in $(az ad app list --display-name "$1" --query "[?displayName=='$1'].appId" --output tsv); do
    case " ${REUSE:-} " in *" $app "*) ;; *) echo "an application called $1 is there already: $app; delete it, or name it in REUSE if you made it" >&2; exit 1 ;; esac
  done
  app=$(az ad app create --display-name "$1" --sign-in-audience AzureADMyOrg --query appId --output tsv)
  az ad sp show --id "$app" --output none 2> /dev/null || az ad sp create --id "$app" --output none
  grants=$(entragit kinds --permissions "$2" --format az)
  APP=$app sh -ec "$grants" >&2
  echo "$app"
}

# Succeeds if the application has the credential `trusts APP NAME "ISSUER SUBJECT"`; ends the script if its name stands for another.
trusts() {
  local found
  found=$(az ad app federated-credential list --id "$1" \
    --query "[?name=='$2'].join(' ', [issuer, not_null(subject, claimsMatchingExpression.value, 'a pattern')])" --output tsv)
  case $found in "$3" | "${3%% *} a pattern") return 0 ;; "") return 1 ;; esac
  echo "the credential $2 of $1 trusts $found, not $3; delete it first" >&2
  exit 1
}

# Lets an application trust one issuer and one subject: `trust APP NAME ISSUER SUBJECT`.
trust() {
  local credential
  credential=$(jq --null-input --arg name "$2" --arg issuer "$3" --arg subject "$4" \
    '{name: $name, issuer: $issuer, subject: $subject, audiences: ["api://AzureADTokenExchange"]}')
  if ! trusts "$1" "$2" "$3 $4"; then
    az ad app federated-credential create --id "$1" --parameters "$credential" --output none
  fi
}

# The same for all subjects of a pattern, which Microsoft calls a flexible credential.
trust_all() {
  local credential
  credential=$(jq --null-input --arg name "$2" --arg issuer "$3" --arg expression "claims['sub'] matches '$4'" \
    '{name: $name, issuer: $issuer, audiences: ["api://AzureADTokenExchange"],
      claimsMatchingExpression: {value: $expression, languageVersion: 1}}')
  if ! trusts "$1" "$2" "$3 claims['sub'] matches '$4'"; then
    az rest --method POST --output none --headers "Content-Type=application/json" --body "$credential" \
      --url "https://graph.microsoft.com/beta/applications(appId='$1')/federatedIdentityCredentials"
  fi
}

host=${1:?github, gitlab, azure or kubernetes}
place=${2:?a repository, a project or an issuer}
case $host in github | gitlab | kubernetes) ;; azure) : "${5:?issuer and subject of both connections}" ;; *) echo "$host is not known" >&2; exit 1 ;; esac

reader=$(application "Entragit reader" read)
# A cluster only takes snapshots.
writer=
if [ "$host" != kubernetes ]; then writer=$(application "Entragit writer" write); fi

case $host in
  github)
    issuer=https://token.actions.githubusercontent.com
    trust "$reader" main "$issuer" "repo:$place:ref:refs/heads/main"
    trust "$reader" pull-requests "$issuer" "repo:$place:pull_request"
    trust "$writer" production "$issuer" "repo:$place:environment:production"
    ;;
  gitlab)
    issuer=${3:-https://gitlab.com}
    trust_all "$reader" branches "$issuer" "project_path:$place:ref_type:branch:ref:*"
    # GitLab's subject has the branch and not the environment: protect main, and let its pipeline be reviewed.
    trust "$writer" main "$issuer" "project_path:$place:ref_type:branch:ref:main"
    ;;
  azure)
    trust "$reader" connection "$2" "$3"
    trust "$writer" connection "$4" "$5"
    ;;
  kubernetes)
    trust "$reader" cluster "$place" system:serviceaccount:entragit:entragit-reader
    ;;
esac

echo "AZURE_TENANT_ID=$(az account show --query tenantId --output tsv)"
echo "ENTRAGIT_READER_ID=$reader"
if [ -n "$writer" ]; then echo "ENTRAGIT_WRITER_ID=$writer"; fi
