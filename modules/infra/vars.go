package infra

import (
	"net/netip"
	"time"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/node"
)

// Vars are the parameters of INFRA, with the defaults of Pigsty v4.5, and those that name an
// application to run on a host.
type Vars struct {
	Meta
	CA
	Identity
	Portal
	Repo
	Nginx
	Certbot
	DNS
	Victoria
	Prometheus
	Grafana
	Apps
}

// Meta is what the whole deployment shares.
type Meta struct {
	Version  string                      `var:"version" default:"v4.5.0" pattern:"v?[0-9]+[.][0-9]+[.][0-9]+[A-Za-z0-9.-]*" doc:"The release of Pigsty that the inventory is written for."`
	AdminIP  netip.Addr                  `var:"admin_ip" default:"10.10.10.10" doc:"The address of the admin node, which ${admin_ip} stands for."`
	Region   string                      `var:"region" default:"default" pattern:"[a-z][a-z0-9_-]*" doc:"Which mirror of each package source to use: default, china, europe or one of your own."`
	Language string                      `var:"language" default:"en" enum:"en,zh" doc:"The language of the web pages at first."`
	Proxy    map[string]inventory.Secret `var:"proxy_env" default:"{no_proxy: 'localhost,127.0.0.1,10.0.0.0/8,192.168.0.0/16,*.pigsty,*.aliyun.com,mirrors.*,*.myqcloud.com,*.tsinghua.edu.cn'}" doc:"The proxies to fetch packages through, as variables of the environment."`
}

// CA is the certificate authority of the deployment.
type CA struct {
	Create   bool          `var:"ca_create" default:"true" doc:"Make a certificate authority when there is none."`
	Name     string        `var:"ca_cn" default:"pigsty-ca" doc:"The common name of the certificate authority."`
	Validity time.Duration `var:"cert_validity" default:"7300d" min:"1h" doc:"How long the certificates of servers and clients are valid."`
}

// Identity is who a host of the group is, and where its data lies.
type Identity struct {
	Seq      int      `var:"infra_seq" required:"true" min:"0" doc:"The number of the host within the group infra."`
	Data     string   `var:"infra_data" default:"/data/infra" kind:"path" doc:"Where metrics, logs and traces are kept."`
	Packages []string `var:"infra_packages" doc:"The packages of these hosts; the default depends on the system."`
}

// Portal is what the web server shows.
type Portal struct {
	Entries map[string]Entry `var:"infra_portal" default:"{home: {domain: i.pigsty}}" doc:"The web sites that nginx serves, by name."`
	Links   []Link           `var:"infra_services" default:"[{name: Metrics, url: /vmetrics/vmui/, icon: metrics}, {name: Logs, url: /vlogs/select/vmui/, icon: logs}, {name: Traces, url: /vtraces/select/vmui/, icon: traces}, {name: Monitor Targets, url: /vmetrics/targets, icon: target}, {name: Alert Rules, url: /vmalert/vmalert/groups, icon: alert}, {name: Alert Manager, url: '/alertmgr/#/alerts', icon: alertmgr}, {name: CA Certificate, url: /ca.crt, icon: lock}, {name: Software Repo, url: /pigsty, icon: package}, {name: Explain Visualizer, url: /pev, icon: search}]" doc:"The links of the home page that are there by default."`
	More    []Link           `var:"infra_extra_services" doc:"More links of the home page."`
}

// Entry is one web site of infra_portal.
type Entry struct {
	Domain     string   `var:"domain" doc:"The name of the site; an entry without one is not served."`
	Domains    []string `var:"domains" doc:"More names of the site."`
	Endpoint   string   `var:"endpoint" doc:"The host:port that requests are passed to."`
	Path       string   `var:"path" kind:"path" doc:"The directory that is served, when nothing is passed on."`
	Conf       string   `var:"conf" doc:"A template of your own, in place of these two."`
	Scheme     string   `var:"scheme" default:"http" enum:"http,https" doc:"How the endpoint is spoken to."`
	Websocket  bool     `var:"websocket" default:"false" doc:"Let connections become web sockets."`
	Index      bool     `var:"index" default:"false" doc:"List the files of directories."`
	Log        string   `var:"log" doc:"The name of the access log."`
	Auth       bool     `var:"auth" default:"false" doc:"Ask for one of nginx_users."`
	Realm      string   `var:"realm" doc:"What the question for the password says."`
	Cert       string   `var:"cert" kind:"path" doc:"The certificate, when it is not the portal's own."`
	Key        string   `var:"key" kind:"path" doc:"The key of that certificate."`
	Certbot    string   `var:"certbot" doc:"The name of a certificate of certbot."`
	EnforceTLS bool     `var:"enforce_https" default:"false" doc:"Send plain requests on to https."`
	Config     string   `var:"config" doc:"More lines for nginx, as they are."`
}

// Link is an entry of the home page.
type Link struct {
	Name   string `var:"name" required:"true" doc:"What the link says."`
	URL    string `var:"url" required:"true" doc:"Where it leads."`
	Desc   string `var:"desc" doc:"What is there, in a few words."`
	Icon   string `var:"icon" doc:"The name of its picture."`
	NameCN string `var:"name_cn" doc:"What the link says in Chinese."`
	DescCN string `var:"desc_cn" doc:"What is there, in Chinese."`
}

// Repo is the local package repository. What may be written with the lists that Pigsty ships for
// each system is a Value: pigsync does not have those lists.
type Repo struct {
	Enabled  bool            `var:"repo_enabled" default:"true" doc:"Make a package repository on this host."`
	Home     string          `var:"repo_home" default:"/www" kind:"path" doc:"The directory above all repositories."`
	RepoName string          `var:"repo_name" default:"pigsty" pattern:"[A-Za-z0-9][A-Za-z0-9._-]*" doc:"The directory of the local package repository."`
	Endpoint string          `var:"repo_endpoint" default:"http://${admin_ip}:80" doc:"The URL under which nodes reach the local package repository."`
	Remove   bool            `var:"repo_remove" default:"true" doc:"Move other package sources away while the repository is made."`
	Modules  string          `var:"repo_modules" default:"infra,node,pgsql" doc:"The groups of sources that the repository is made from, with commas between them."`
	Upstream []node.Source   `var:"repo_upstream" doc:"Where packages come from, one entry for each source; the default depends on the system."`
	Packages inventory.Value `var:"repo_packages" doc:"The packages of the repository; the default depends on the system."`
	Extra    inventory.Value `var:"repo_extra_packages" doc:"More packages of the repository; the default depends on the system."`
	URLs     []any           `var:"repo_url_packages" doc:"Files that are fetched by URL into the repository."`
}

// Nginx is the web server.
type Nginx struct {
	NginxEnabled  bool                        `var:"nginx_enabled" default:"true" doc:"Run nginx on this host."`
	NginxClean    bool                        `var:"nginx_clean" default:"false" doc:"Delete what is configured of nginx first."`
	NginxExporter bool                        `var:"nginx_exporter_enabled" default:"true" doc:"Offer the metrics of nginx."`
	NginxMetrics  int                         `var:"nginx_exporter_port" default:"9113" kind:"port" doc:"The port of the metrics of nginx."`
	SSLMode       string                      `var:"nginx_sslmode" default:"enable" enum:"disable,enable,enforce" doc:"Whether the portal speaks TLS: not, too, or only."`
	CertValidity  time.Duration               `var:"nginx_cert_validity" default:"397d" min:"1h" doc:"How long the certificate of the portal is valid."`
	NginxHome     string                      `var:"nginx_home" default:"/www" kind:"path" doc:"The link to what nginx serves."`
	NginxData     string                      `var:"nginx_data" default:"/data/nginx" kind:"path" doc:"The directory behind that link."`
	Users         map[string]inventory.Secret `var:"nginx_users" doc:"The users that the portal asks for, with their passwords."`
	NginxPort     int                         `var:"nginx_port" default:"80" kind:"port" doc:"The port of plain requests."`
	NginxSSLPort  int                         `var:"nginx_ssl_port" default:"443" kind:"port" doc:"The port of TLS requests."`
}

// Certbot is how public certificates are asked for.
type Certbot struct {
	Sign    bool   `var:"certbot_sign" default:"false" doc:"Ask for public certificates of the portal."`
	Email   string `var:"certbot_email" default:"your@email.com" doc:"Whom the authority writes to."`
	Options string `var:"certbot_options" doc:"More options of certbot."`
}

// DNS is the name server.
type DNS struct {
	DNSEnabled bool     `var:"dns_enabled" default:"true" doc:"Run dnsmasq on this host."`
	DNSPort    int      `var:"dns_port" default:"53" kind:"port" doc:"The port of dnsmasq."`
	Records    []string `var:"dns_records" default:"['${admin_ip} i.pigsty', '${admin_ip} m.pigsty supa.pigsty api.pigsty adm.pigsty cli.pigsty ddl.pigsty']" doc:"Names that dnsmasq knows: lines of an address and its names."`
}

// Victoria keeps metrics, logs and traces, and judges the metrics.
type Victoria struct {
	MetricsEnabled bool          `var:"vmetrics_enabled" default:"true" doc:"Keep metrics on this host."`
	MetricsClean   bool          `var:"vmetrics_clean" default:"false" doc:"Delete all metrics first."`
	MetricsPort    int           `var:"vmetrics_port" default:"8428" kind:"port" doc:"The port of the metrics."`
	ScrapeInterval time.Duration `var:"vmetrics_scrape_interval" default:"10s" min:"1s" doc:"How often metrics are fetched."`
	ScrapeTimeout  time.Duration `var:"vmetrics_scrape_timeout" default:"8s" min:"1s" doc:"How long fetching them may take."`
	MetricsOptions string        `var:"vmetrics_options" default:"-retentionPeriod=15d -promscrape.fileSDCheckInterval=5s" doc:"More flags of VictoriaMetrics, how long to keep things among them."`
	LogsEnabled    bool          `var:"vlogs_enabled" default:"true" doc:"Keep logs on this host."`
	LogsClean      bool          `var:"vlogs_clean" default:"false" doc:"Delete all logs first."`
	LogsPort       int           `var:"vlogs_port" default:"9428" kind:"port" doc:"The port of the logs."`
	LogsOptions    string        `var:"vlogs_options" default:"-retentionPeriod=15d -retention.maxDiskSpaceUsageBytes=50GiB -insert.maxLineSizeBytes=1MB -search.maxQueryDuration=120s" doc:"More flags of VictoriaLogs."`
	TracesEnabled  bool          `var:"vtraces_enabled" default:"true" doc:"Keep traces on this host."`
	TracesClean    bool          `var:"vtraces_clean" default:"false" doc:"Delete all traces first."`
	TracesPort     int           `var:"vtraces_port" default:"10428" kind:"port" doc:"The port of the traces."`
	TracesOptions  string        `var:"vtraces_options" default:"-retentionPeriod=15d -retention.maxDiskSpaceUsageBytes=50GiB" doc:"More flags of VictoriaTraces."`
	AlertEnabled   bool          `var:"vmalert_enabled" default:"true" doc:"Judge metrics by rules on this host."`
	AlertPort      int           `var:"vmalert_port" default:"8880" kind:"port" doc:"The port of vmalert."`
	AlertOptions   string        `var:"vmalert_options" doc:"More flags of vmalert."`
}

// Prometheus is what else belongs to watching.
type Prometheus struct {
	BlackboxEnabled bool   `var:"blackbox_enabled" default:"true" doc:"Try from this host whether others can be reached."`
	BlackboxPort    int    `var:"blackbox_port" default:"9115" kind:"port" doc:"The port of the blackbox exporter."`
	BlackboxOptions string `var:"blackbox_options" doc:"More flags of the blackbox exporter."`
	ManagerEnabled  bool   `var:"alertmanager_enabled" default:"true" doc:"Send alerts from this host."`
	ManagerPort     int    `var:"alertmanager_port" default:"9059" kind:"port" doc:"The port of the alert manager."`
	ManagerOptions  string `var:"alertmanager_options" doc:"More flags of the alert manager."`
	MetricsPath     string `var:"exporter_metrics_path" default:"/metrics" kind:"path" doc:"The path under which exporters show their metrics."`
}

// Grafana shows it all.
type Grafana struct {
	GrafanaEnabled bool             `var:"grafana_enabled" default:"true" doc:"Run Grafana on this host."`
	GrafanaPort    int              `var:"grafana_port" default:"3000" kind:"port" doc:"The port of Grafana."`
	GrafanaClean   bool             `var:"grafana_clean" default:"false" doc:"Delete the data of Grafana first."`
	GrafanaUser    string           `var:"grafana_admin_username" default:"admin" doc:"The administrator of Grafana."`
	GrafanaPass    inventory.Secret `var:"grafana_admin_password" default:"pigsty" doc:"The password of that administrator."`
	AuthProxy      bool             `var:"grafana_auth_proxy" default:"false" doc:"Believe a proxy that says who somebody is."`
	GrafanaURL     inventory.Secret `var:"grafana_pgurl" doc:"The database where Grafana keeps its state; empty for a file."`
	ViewPass       inventory.Secret `var:"grafana_view_password" default:"DBUser.Viewer" doc:"The password with which Grafana reads the meta database."`
}

// Apps are applications of the module DOCKER, which pigsync does not run yet.
type Apps struct {
	App  string         `var:"app" doc:"The application to run on the host."`
	Apps map[string]App `var:"apps" doc:"What applications there are, by name."`
}

// App is one entry of apps.
type App struct {
	Src  string                     `var:"src" doc:"Where the application comes from; app/NAME without it."`
	Dest string                     `var:"dest" doc:"Where it goes; /opt/NAME without it."`
	Conf map[string]inventory.Value `var:"conf" doc:"The settings of the application."`
	File []inventory.Value          `var:"file" doc:"Files and directories it needs."`
	Args string                     `var:"args" doc:"What is told to make."`
	Rest map[string]inventory.Value `var:"*"`
}

// The codes of this module's problems.
const (
	CodeSameSeq    = "INFRA001" // two hosts with one infra_seq
	CodeAdmin      = "INFRA002" // an admin node that is none of the hosts
	CodeNothing    = "INFRA003" // a web site with nothing to show
	CodeSameDomain = "INFRA004" // two web sites with one name
	CodeEndpoint   = "INFRA005" // an endpoint that is no host:port
	CodeDomain     = "INFRA006" // a name that DNS would refuse
	CodeRecord     = "INFRA007" // a line that is no record
	CodeAuth       = "INFRA008" // a question for passwords, and no users
	CodeValidity   = "INFRA009" // certificates that end before anybody renews them
	CodeTimeout    = "INFRA010" // a timeout longer than the interval
	CodeCertbot    = "INFRA011" // public certificates for the address of the sample
	CodeApp        = "INFRA012" // an application that nothing defines
	CodeList       = "INFRA013" // a list of packages that is none
)
