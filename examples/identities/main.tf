# The two applications that pipelines sign in as: one reads, one writes. Neither has a secret. The permissions are those that this
# version of Entragit needs:
#
#   entragit kinds --permissions read --json > read.json
#   entragit kinds --permissions write --json > write.json
#   terraform init && terraform apply -var repository=OWNER/REPOSITORY
#
# Whoever runs it may grant application permissions (Privileged Role Administrator). Other hosts have other issuers and subjects;
# setup.sh beside this file lists them.
terraform {
  required_version = ">= 1.5"
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
  }
}

variable "repository" {
  type        = string
  description = "The tenant's repository on GitHub, as in OWNER/REPOSITORY."
}

locals {
  permissions = {
    reader = jsondecode(file("${path.module}/read.json")).permissions
    writer = jsondecode(file("${path.module}/write.json")).permissions
  }
  grants = merge([
    for name, permissions in local.permissions : {
      for permission in permissions : "${name}/${permission}" => { application = name, permission = permission }
    }
  ]...)
  # The application that writes trusts jobs behind the environment, and no other.
  subjects = {
    main          = { application = "reader", subject = "ref:refs/heads/main" }
    pull-requests = { application = "reader", subject = "pull_request" }
    production    = { application = "writer", subject = "environment:production" }
  }
}

data "azuread_client_config" "current" {}

data "azuread_service_principal" "graph" {
  client_id = "00000003-0000-0000-c000-000000000000"
}

resource "azuread_application" "entragit" {
  for_each         = local.permissions
  display_name     = "Entragit ${each.key}"
  sign_in_audience = "AzureADMyOrg"

  required_resource_access {
    resource_app_id = data.azuread_service_principal.graph.client_id

    dynamic "resource_access" {
      for_each = toset(each.value)
      content {
        id   = data.azuread_service_principal.graph.app_role_ids[resource_access.value]
        type = "Role"
      }
    }
  }
}

resource "azuread_service_principal" "entragit" {
  for_each  = azuread_application.entragit
  client_id = each.value.client_id
}

resource "azuread_app_role_assignment" "entragit" {
  for_each            = local.grants
  app_role_id         = data.azuread_service_principal.graph.app_role_ids[each.value.permission]
  principal_object_id = azuread_service_principal.entragit[each.value.application].object_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}

resource "azuread_application_federated_identity_credential" "entragit" {
  for_each       = local.subjects
  application_id = azuread_application.entragit[each.value.application].id
  display_name   = each.key
  audiences      = ["api://AzureADTokenExchange"]
  issuer         = "https://token.actions.githubusercontent.com"
  subject        = "repo:${var.repository}:${each.value.subject}"
}

output "AZURE_TENANT_ID" {
  value = data.azuread_client_config.current.tenant_id
}

output "ENTRAGIT_READER_ID" {
  value = azuread_application.entragit["reader"].client_id
}

output "ENTRAGIT_WRITER_ID" {
  value = azuread_application.entragit["writer"].client_id
}
