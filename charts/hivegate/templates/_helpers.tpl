{{/* Names, labels, and what several templates share. */}}

{{- define "hivegate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 37 | trimSuffix "-" -}}
{{- end }}

{{- define "hivegate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 37 | trimSuffix "-" -}}
{{- else if contains (include "hivegate.name" .) .Release.Name -}}
{{- .Release.Name | trunc 37 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "hivegate.name" .) | trunc 37 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels by which pods are selected: (list $ "gateway"). They must never change. */}}
{{- define "hivegate.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "hivegate.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "hivegate.labels" -}}
{{- $root := index . 0 -}}
{{ include "hivegate.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object: (list $ "component" "suffix") */}}
{{- define "hivegate.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "hivegate.fullname" $root }}{{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "hivegate.labels" . | nindent 2 }}
{{- end }}

{{- define "hivegate.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hivegate.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "hivegate.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Where the pod may run: nodeSelector, tolerations, affinity of the given values. */}}
{{- define "hivegate.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "hivegate.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}

{{/* The ConfigMap with the policies file, or nothing. */}}
{{- define "hivegate.policies" -}}
{{- if .Values.policies.configMap -}}
{{- .Values.policies.configMap -}}
{{- else if .Values.policies.rules -}}
{{- include "hivegate.fullname" . -}}-policies
{{- end -}}
{{- end }}

{{/* What every container of the chart may do: nothing special. */}}
{{- define "hivegate.restricted" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
{{- end }}

{{/* HADOOP's XML from names and values. */}}
{{- define "hivegate.siteXml" -}}
<?xml version="1.0"?>
<configuration>
{{- range $name, $value := . }}
  <property><name>{{ $name | html }}</name><value>{{ $value | toString | html }}</value></property>
{{- end }}
</configuration>
{{- end }}

{{- define "hivegate.host" -}}
{{- printf "%s.%s.svc.%s" (include "hivegate.fullname" .) .Release.Namespace .Values.clusterDomain -}}
{{- end }}

{{- define "hivegate.tlsSecret" -}}
{{- if eq .Values.tls.source "secret" -}}
{{- .Values.tls.secretName -}}
{{- else -}}
{{- include "hivegate.fullname" . -}}-tls
{{- end -}}
{{- end }}

{{/* The Secret with the users file, or nothing. */}}
{{- define "hivegate.usersSecret" -}}
{{- if .Values.authentication.usersSecret -}}
{{- .Values.authentication.usersSecret -}}
{{- else if .Values.authentication.initialUser.enabled -}}
{{- include "hivegate.fullname" . -}}-initial-user
{{- end -}}
{{- end }}

{{/* Whether hivegate follows EndpointSlices: something or nothing. */}}
{{- define "hivegate.follows" -}}
{{- if and .Values.spark.enabled (eq .Values.spark.discovery "kubernetes") -}}yes{{- end -}}
{{- end }}

{{/* JSON of a list: HOST:PORT of the servers behind hivegate. */}}
{{- define "hivegate.endpoints" -}}
{{- $found := .Values.endpoints -}}
{{- if .Values.spark.enabled -}}
{{- $name := printf "%s-spark" (include "hivegate.fullname" .) -}}
{{- $found = list -}}
{{- range until (int .Values.spark.replicas) -}}
{{- $found = append $found (printf "%s-%d.%s.%s.svc.%s:10000" $name . $name $.Release.Namespace $.Values.clusterDomain) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* The address of PostgreSQL's metastore database, as JSON: host, port, name, user, secret. */}}
{{- define "hivegate.database" -}}
{{- $given := .Values.metastore.database -}}
{{- if .Values.postgresql.enabled -}}
{{- $name := printf "%s-postgresql" (include "hivegate.fullname" .) -}}
{{- dict "host" $name "port" 5432 "name" "metastore" "user" "metastore" "secret" (default $name .Values.postgresql.existingSecret) | toJson -}}
{{- else -}}
{{- dict "host" $given.host "port" (int $given.port) "name" $given.name "user" $given.user "secret" $given.existingSecret | toJson -}}
{{- end -}}
{{- end }}

{{/* The audit log's database, the same way. */}}
{{- define "hivegate.auditDatabase" -}}
{{- $given := .Values.audit.database -}}
{{- if .Values.postgresql.enabled -}}
{{- $name := printf "%s-postgresql" (include "hivegate.fullname" .) -}}
{{- dict "host" $name "port" 5432 "name" "audit" "user" "gateway" "options" "" "secret" (default $name .Values.postgresql.existingSecret) | toJson -}}
{{- else -}}
{{- dict "host" $given.host "port" (int $given.port) "name" $given.name "user" $given.user "options" $given.options "secret" $given.existingSecret | toJson -}}
{{- end -}}
{{- end }}

{{- define "hivegate.metastoreUri" -}}
{{- if .Values.metastore.enabled -}}
thrift://{{ include "hivegate.fullname" . }}-metastore:9083
{{- else -}}
{{- .Values.metastore.uri -}}
{{- end -}}
{{- end }}

{{/* What values.schema.json can't say, each with what to do. */}}
{{- define "hivegate.check" -}}
{{- $v := .Values -}}
{{- if and (not $v.spark.enabled) (not $v.endpoints) (not $v.pool.discovery) -}}
{{- fail "endpoints: spark.enabled is false, so name the Spark Thrift Servers: --set 'endpoints={spark-1.example.org:10000}'" -}}
{{- end -}}
{{- if and $v.spark.enabled $v.endpoints -}}
{{- fail "endpoints: spark.enabled is true, so the endpoints are the chart's own servers; set spark.enabled to false to use others" -}}
{{- end -}}
{{- if and (eq $v.tls.source "secret") (not $v.tls.secretName) -}}
{{- fail "tls.secretName: tls.source is secret, so name the Secret with the certificate" -}}
{{- end -}}
{{- if and (eq $v.tls.source "cert-manager") (not $v.tls.issuer.name) -}}
{{- fail "tls.issuer.name: tls.source is cert-manager, so name the issuer" -}}
{{- end -}}
{{- if not (or $v.listeners.binary.enabled $v.listeners.http.enabled) -}}
{{- fail "listeners: enable binary, http or both" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.listeners.http.enabled) -}}
{{- fail "ingress: it is for HTTP, so set listeners.http.enabled to true" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not (and $v.ingress.host $v.ingress.tlsSecret)) -}}
{{- fail "ingress: set host and tlsSecret; names and passwords pass here" -}}
{{- end -}}
{{- if and (eq $v.tls.source "none") (ne $v.service.type "ClusterIP") -}}
{{- fail (printf "tls.source: none with service.type %s would carry passwords in clear outside the cluster; take another source" $v.service.type) -}}
{{- end -}}
{{- $chain := default (list "users") $v.authentication.settings.chain -}}
{{- if and (has "users" $chain) (not (include "hivegate.usersSecret" .)) -}}
{{- fail "authentication: the chain names users, so set usersSecret or initialUser.enabled, or another authentication.settings.chain" -}}
{{- end -}}
{{- if and $v.metastore.enabled (not $v.postgresql.enabled) (not (and $v.metastore.database.host $v.metastore.database.existingSecret)) -}}
{{- fail "metastore.database: postgresql.enabled is false, so set host and existingSecret of the database" -}}
{{- end -}}
{{- if and $v.audit.enabled (not $v.postgresql.enabled) (not (and $v.audit.database.host $v.audit.database.existingSecret)) -}}
{{- fail "audit.database: postgresql.enabled is false, so set host and existingSecret of the audit log's database, or audit.enabled to false" -}}
{{- end -}}
{{- if and $v.metastore.enabled $v.metastore.uri -}}
{{- fail "metastore.uri: metastore.enabled is true; set it to false to use an existing one" -}}
{{- end -}}
{{- if and $v.policies.configMap $v.policies.rules -}}
{{- fail "policies: set rules or configMap, not both" -}}
{{- end -}}
{{- if and $v.policies.settings (not (include "hivegate.policies" .)) -}}
{{- fail "policies.settings: there is no policies file; set rules or configMap" -}}
{{- end -}}
{{- if and $v.test.existingSecret (not $v.test.enabled) -}}
{{- fail "test.existingSecret: test.enabled is false" -}}
{{- end -}}
{{- end }}

{{/* hivegate's configuration. */}}
{{- define "hivegate.config" -}}
{{- $v := .Values -}}
{{- $listeners := list -}}
{{- $common := dict -}}
{{- if ne $v.tls.source "none" -}}
{{- $certificate := dict "certificate_file" "/etc/hivegate/tls/tls.crt" "key_file" "/etc/hivegate/tls/tls.key" -}}
{{- $_ := set $common "tls" (dict "certificates" (list $certificate) "min_version" $v.tls.minVersion) -}}
{{- end -}}
{{- if $v.listeners.proxyProtocol -}}
{{- $_ := set $common "proxy_protocol" (dict "from" $v.listeners.proxyProtocol) -}}
{{- end -}}
{{- if $v.listeners.binary.enabled -}}
{{- $own := dict "name" "thrift" "bind" (printf "%s:%d" $v.listeners.address (int $v.listeners.binary.port)) -}}
{{- $listeners = append $listeners (merge $own $common) -}}
{{- end -}}
{{- if $v.listeners.http.enabled -}}
{{- $http := dict "path" $v.listeners.http.path -}}
{{- if $v.listeners.trustedProxies -}}
{{- $_ := set $http "trusted_proxies" $v.listeners.trustedProxies -}}
{{- end -}}
{{- $own := dict "name" "http" "bind" (printf "%s:%d" $v.listeners.address (int $v.listeners.http.port)) "transport" "http" "http" $http -}}
{{- $listeners = append $listeners (merge $own $common) -}}
{{- end -}}
{{- $authentication := deepCopy $v.authentication.settings -}}
{{- if not $authentication.chain -}}
{{- $_ := set $authentication "chain" (list "users") -}}
{{- end -}}
{{- if and (has "users" $authentication.chain) (not $authentication.users) -}}
{{- $_ := set $authentication "users" (dict "file" "/etc/hivegate/users/users.txt") -}}
{{- end -}}
{{- if not (dig "cookie" "key_file" "" $authentication) -}}
{{- $cookie := default dict $authentication.cookie -}}
{{- $_ := set $authentication "cookie" (merge (dict "key_file" "/etc/hivegate/cookie/key") $cookie) -}}
{{- end -}}
{{- $pool := dict "name" "default" -}}
{{- if include "hivegate.follows" . -}}
{{- $service := dict "service" (printf "%s-spark" (include "hivegate.fullname" .)) "port_name" "thrift" -}}
{{- $pool = merge $pool (dict "discovery" "kubernetes" "kubernetes" $service) -}}
{{- else if or $v.spark.enabled $v.endpoints -}}
{{- $pool = merge $pool (dict "discovery" "static" "endpoints" (include "hivegate.endpoints" . | fromJsonArray)) -}}
{{- end -}}
{{- $pool = merge $pool (deepCopy $v.pool) -}}
{{- $admin := dict "listen" (list (dict "bind" "unix:/run/hivegate/admin.sock")) "metrics_listen" (printf "%s:9180" $v.listeners.address) -}}
{{- $made := dict "shutdown_wait" (printf "%ds" (int $v.shutdown.forget)) "shutdown_timeout" (printf "%ds" (int $v.shutdown.statements)) "listeners" $listeners "authentication" $authentication "pools" (list $pool) "admin" $admin "log" (dict "format" "json") -}}
{{- if $v.audit.enabled -}}
{{- $audit := dict "spool" "/var/lib/hivegate/audit" "password_file" "/etc/hivegate/audit/gateway-password" "durability" $v.audit.durability "when_full" $v.audit.whenFull "limit" $v.audit.limit "redact" (dict "literals" $v.audit.literals) -}}
{{- $database := include "hivegate.auditDatabase" . | fromJson -}}
{{- $_ := set $audit "postgres" (trim (printf "host=%s port=%d dbname=%s user=%s %s" $database.host (int $database.port) $database.name $database.user $database.options)) -}}
{{- $_ := set $made "audit" $audit -}}
{{- end -}}
{{- if include "hivegate.policies" . -}}
{{- $_ := set $made "policies" (merge (dict "file" "/etc/hivegate/policies/policies.yaml") (deepCopy $v.policies.settings)) -}}
{{- end -}}
{{- if $v.authentication.impersonation -}}
{{- $_ := set $made "impersonation" $v.authentication.impersonation -}}
{{- end -}}
{{- toYaml (mergeOverwrite $made (deepCopy $v.config)) -}}
{{- end }}

{{/* JSON of a list: the names that the certificate is made out to. */}}
{{- define "hivegate.names" -}}
{{- $name := include "hivegate.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $names := list (include "hivegate.host" .) $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "*.%s-peers.%s.svc.%s" $name $namespace .Values.clusterDomain) "localhost" -}}
{{- concat $names .Values.tls.names | uniq | toJson -}}
{{- end }}
