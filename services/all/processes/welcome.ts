import type { FirstToken } from './all.ts';

/**
 * What the first start prints: all that a newcomer copies. A token that this start made is shown here and never again; of one that
 * was given it says where it came from.
 */
export function welcomeText(url: string, tenant: string, first: FirstToken): string {
  const token = 'text' in first ? first.text : '<token>';
  const origin =
    'text' in first
      ? `token ${token} (scope read+write; shown only this once)`
      : `its token is the one ${first.givenBy} (scope read+write)`;
  return `
xscaler is running on ${url}
tenant ${tenant}, ${origin}

1. Send metrics from Prometheus: add to prometheus.yml

remote_write:
  - url: ${url}/api/v1/push
    headers:
      X-Scope-OrgID: ${tenant}
    authorization:
      credentials: ${token}

2. Draw graphs in Grafana: save as provisioning/datasources/xscaler.yaml

apiVersion: 1
datasources:
  - name: xscaler
    type: prometheus
    access: proxy
    url: ${url}/prometheus
    jsonData:
      httpMethod: POST
      httpHeaderName1: Authorization
      httpHeaderName2: X-Scope-OrgID
    secureJsonData:
      httpHeaderValue1: Bearer ${token}
      httpHeaderValue2: ${tenant}

3. Ask something now (its own metrics are flowing in already)

curl -s -H 'Authorization: Bearer ${token}' -H 'X-Scope-OrgID: ${tenant}' '${url}/api/v1/query?query=process_resident_memory_bytes'
`;
}

export function welcomeBackText(url: string, tenant: string): string {
  return `\nxscaler is running on ${url} (tenant ${tenant}; the first start showed its token, unless you supplied it)\n`;
}
