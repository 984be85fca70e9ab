package main

import (
	"errors"
	"net/url"
	"strings"

	"greenroom/config"
	"greenroom/daily"
)

// webhookCommands set up what other servers tell this one, over the HTTP API that they have for it.
type webhookCommands struct {
	Daily struct {
		Register webhookRegister `cmd:"" help:"Make Daily tell this server who joins and leaves. Run it while the server is up: Daily asks it at once."`
		Show     webhookShow     `cmd:"" help:"Show where Daily sends its events."`
		Delete   webhookDelete   `cmd:"" help:"Make Daily send no events any more."`
	} `cmd:"" help:"The one webhook of the Daily domain."`
}

// A dailyOperator's command works on the Daily domain itself, beside a server or without one.
type dailyOperator struct {
	config.File
	Daily config.Daily `embed:"" prefix:"daily-" group:"Daily"`
}

func (o *dailyOperator) client() (*daily.Client, error) {
	if !o.Daily.APIKey.IsSet() {
		return nil, &config.Error{Problems: []string{"DAILY_API_KEY is not set: take it from Daily's dashboard under Developers"}}
	}
	return daily.New(daily.Config{URL: o.Daily.APIURL, Key: o.Daily.APIKey.Reveal()})
}

// hook finds the domain's webhook.
func (o *dailyOperator) hook(t *terminal) (*daily.Client, daily.Webhook, error) {
	client, err := o.client()
	if err != nil {
		return nil, daily.Webhook{}, err
	}
	hooks, err := client.Webhooks(t.ctx)
	if err == nil && len(hooks) == 0 {
		err = errors.New("the Daily domain has no webhook: `greenroom webhook daily register` makes one")
	}
	if err != nil {
		client.Close()
		return nil, daily.Webhook{}, err
	}
	return client, hooks[0], nil
}

type webhookRegister struct {
	dailyOperator
	URL string `required:"" placeholder:"URL" help:"Where Daily reaches the server, such as https://api.example.com; /webhooks/daily is added to an address without a path."`
}

// Run makes the webhook or changes the one that is there, and revives one that Daily has given up.
func (c *webhookRegister) Run(t *terminal) error {
	if !c.Daily.WebhookSecret.IsSet() {
		return &config.Error{Problems: []string{"DAILY_WEBHOOK_SECRET is not set: make one with `openssl rand -base64 32`, and give the server the same"}}
	}
	if err := config.CheckWebhookSecret(c.Daily.WebhookSecret); err != nil {
		return err
	}
	target, err := webhookTarget(c.URL)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	hook, err := client.RegisterWebhook(t.ctx, target, c.Daily.WebhookSecret.Reveal())
	if err != nil {
		return err
	}
	return showHook(t, hook)
}

// webhookTarget completes the address of a server.
func webhookTarget(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", &config.Error{Problems: []string{"--url is not the address of a server: set it as https://HOST"}}
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = dailyWebhookPath
	}
	return u.String(), nil
}

type webhookShow struct{ dailyOperator }

// Run shows the webhook, without its secret.
func (c *webhookShow) Run(t *terminal) error {
	client, hook, err := c.hook(t)
	if err != nil {
		return err
	}
	defer client.Close()
	return showHook(t, hook)
}

type webhookDelete struct{ dailyOperator }

// Run deletes the webhook.
func (c *webhookDelete) Run(t *terminal) error {
	client, hook, err := c.hook(t)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.DeleteWebhook(t.ctx, hook.ID); err != nil {
		return err
	}
	return t.show(map[string]string{"id": hook.ID}, "%s is deleted", hook.ID)
}

func showHook(t *terminal, hook daily.Webhook) error {
	return t.show(hook, "%s  %s  %s  %s, %d failures in a row", hook.ID, hook.State, hook.URL,
		strings.Join(hook.EventTypes, " "), hook.Failures)
}
