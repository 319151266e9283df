{{- define "shop.databaseUrl" -}}
postgres://{{ .Values.database.user }}:$(DB_PASSWORD)@{{ .Values.database.host }}:{{ .Values.database.port }}/{{ .Values.database.name }}
{{- end -}}
{{/* the bundled server is called {{ .Release.Name }}-postgresql */}}
