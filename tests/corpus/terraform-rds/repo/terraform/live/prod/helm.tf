resource "helm_release" "metabase" {
  name       = "metabase"
  repository = "https://pmint93.github.io/helm-charts"
  chart      = "metabase"

  set {
    name  = "database.host"
    value = "fleet-prod.cx1a2b3.us-east-1.rds.amazonaws.com"
  }
  set {
    name  = "database.type"
    value = "postgres"
  }
  values = [<<-YAML
    extraEnv:
      - name: MB_APPLICATION_NAME
        value: postgres-explorer
      - name: WAREHOUSE_URI
        value: postgres://ro:canary-fleet-1@fleet-prod-ro.cx1a2b3.us-east-1.rds.amazonaws.com:5432/fleet
  YAML
  ]
}
