package monitoring

// What follows are the parts of Grafana's dashboard model that are used here, by their names in its JSON.

// Dashboard is one page.
type Dashboard struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	Timezone      string      `json:"timezone"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"`
	Refresh       string      `json:"refresh"`
	SchemaVersion int         `json:"schemaVersion"`
	Time          TimeRange   `json:"time"`
	Templating    Templating  `json:"templating"`
	Annotations   Annotations `json:"annotations"`
	Links         []Link      `json:"links"`
	Panels        []Panel     `json:"panels"`
}

// TimeRange is from when until when is shown.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Source names where data come from.
type Source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Templating holds the choices at the top of a page.
type Templating struct {
	List []Variable `json:"list"`
}

// Variable is a choice.
type Variable struct {
	Type       string  `json:"type"`
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Query      any     `json:"query"`
	Datasource *Source `json:"datasource,omitempty"`
	Refresh    int     `json:"refresh,omitempty"`
	Multi      bool    `json:"multi"`
	IncludeAll bool    `json:"includeAll"`
	AllValue   string  `json:"allValue,omitempty"`
	Sort       int     `json:"sort,omitempty"`
}

// LabelQuery asks for the values of a label.
type LabelQuery struct {
	Query string `json:"query"`
	RefID string `json:"refId"`
}

// Annotations are the marks over the graphs.
type Annotations struct {
	List []Annotation `json:"list"`
}

// Annotation is one kind of mark: of a query, or of what was posted with a tag.
type Annotation struct {
	Name        string            `json:"name"`
	Datasource  Source            `json:"datasource"`
	Enable      bool              `json:"enable"`
	IconColor   string            `json:"iconColor"`
	Expr        string            `json:"expr,omitempty"`
	TitleFormat string            `json:"titleFormat,omitempty"`
	Step        string            `json:"step,omitempty"`
	Target      *AnnotationTarget `json:"target,omitempty"`
}

// AnnotationTarget chooses what was posted.
type AnnotationTarget struct {
	Limit    int      `json:"limit"`
	MatchAny bool     `json:"matchAny"`
	Tags     []string `json:"tags"`
	Type     string   `json:"type"`
}

// Link leads to the other pages.
type Link struct {
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
	TargetBlank bool     `json:"targetBlank"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	URL         string   `json:"url"`
}

// Panel is one picture.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	GridPos         GridPos          `json:"gridPos"`
	Datasource      Source           `json:"datasource"`
	Targets         []Target         `json:"targets"`
	FieldConfig     FieldConfig      `json:"fieldConfig"`
	Options         map[string]any   `json:"options"`
	Transformations []Transformation `json:"transformations,omitempty"`
}

// GridPos is where it stands; a page is 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is a query.
type Target struct {
	RefID        string `json:"refId"`
	Datasource   Source `json:"datasource"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat,omitempty"`
	Instant      bool   `json:"instant"`
	Range        bool   `json:"range"`
	Format       string `json:"format,omitempty"`
}

// FieldConfig says how values look.
type FieldConfig struct {
	Defaults  Defaults   `json:"defaults"`
	Overrides []struct{} `json:"overrides"`
}

// Defaults say it of all fields.
type Defaults struct {
	Unit       string         `json:"unit,omitempty"`
	Decimals   *int           `json:"decimals,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	NoValue    string         `json:"noValue,omitempty"`
	Color      Color          `json:"color"`
	Thresholds Thresholds     `json:"thresholds"`
	Mappings   []Mapping      `json:"mappings"`
	Custom     map[string]any `json:"custom,omitempty"`
}

// Color is how colours are chosen.
type Color struct {
	Mode string `json:"mode"`
}

// Thresholds turn values into colours.
type Thresholds struct {
	Mode  string      `json:"mode"`
	Steps []Threshold `json:"steps"`
}

// Threshold is a colour from a value on; the first has none.
type Threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Mapping turns values into words.
type Mapping struct {
	Type    string                  `json:"type"`
	Options map[string]MappedResult `json:"options"`
}

// MappedResult is such a word.
type MappedResult struct {
	Text  string `json:"text"`
	Color string `json:"color,omitempty"`
	Index int    `json:"index"`
}

// Transformation is done to a table before it is shown.
type Transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}
