{{- define "shop.databaseUrl" -}}
{{- if .Values.database.url -}}
{{ .Values.database.url }}
{{- else -}}
postgresql://{{ .Values.database.user }}:$(DB_PASSWORD)@{{ .Values.database.host }}:{{ .Values.database.port }}/{{ .Values.database.name }}?sslmode={{ .Values.database.sslmode }}
{{- end -}}
{{- end -}}
