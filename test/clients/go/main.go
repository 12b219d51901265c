// Uses each kind of operation through the generated client, and prints a line for each result.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"clients/api"
)

var (
	background = context.Background()
	url        = os.Args[1]
	client     = connect(os.Args[2])
)

func connect(key string) *api.ClientWithResponses {
	authenticate := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+key)
		return nil
	}
	return must(api.NewClientWithResponses(url, api.WithRequestEditorFn(authenticate)))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func send(body api.SendMessage, key *string) *api.SendMessageResponse {
	return must(client.SendMessageWithResponse(background, &api.SendMessageParams{IdempotencyKey: key}, body))
}

func sms(to string) (body api.SendMessage) {
	check(body.FromSmsMessage(api.SmsMessage{Type: "sms", From: "+12016661234", To: address(to), Body: "Hi"}))
	return body
}

func address(text string) (to api.AddressOrList) {
	check(to.FromAddress(text))
	return to
}

// Waits for two events of a conversation, because the position of an event is assigned shortly after the response.
func events(conversation int64) (shown []string) {
	after, types := int64(0), api.EventTypes{"message.queued", "message.canceled"}
	params := api.ListEventsParams{After: &after, Type: &types, ConversationId: &conversation}
	data := []api.Event{}
	for range 200 {
		data = must(client.ListEventsWithResponse(background, &params)).JSON200.Data
		if len(data) == 2 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, each := range data {
		event := must(each.AsMessageEvent())
		shown = append(shown, string(event.Type)+" "+event.Data.Body)
	}
	return shown
}

func main() {
	once := "once"
	sent := send(sms("+18045551234"), &once).JSON202
	fmt.Println("sms", sent.Type, sent.Status, sent.To[0])
	fmt.Println("again", send(sms("+18045551234"), &once).JSON202.Id-sent.Id)

	var email, untyped api.SendMessage
	subject := "Hello"
	check(email.FromEmailMessage(api.EmailMessage{
		Type: "email", From: "shop@example.com", To: address("ada@example.com"), Body: "Hi", Subject: &subject,
	}))
	written := send(email, nil).JSON202
	fmt.Println("email", written.Type, *written.Subject)

	at := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
	check(untyped.FromUntypedMessage(api.UntypedMessage{
		From: "+12016661234", To: address("+18045551234"), Body: "Later", SendAt: &at,
	}))
	later := send(untyped, nil).JSON202
	fmt.Println("untyped", later.Type, later.Status, later.SendAt.Year())

	canceled := must(client.CancelMessageWithResponse(background, later.Id, nil))
	fmt.Println("cancel", canceled.JSON200.Status)
	conflict := must(client.RetryMessageWithResponse(background, later.Id, nil))
	fmt.Println("conflict", "Problem", conflict.ApplicationproblemJSON409.Code)

	read := must(client.GetMessageWithResponse(background, sent.Id))
	fmt.Println("get", read.JSON200.Id-sent.Id)
	missing := must(client.GetMessageWithResponse(background, 999_999))
	fmt.Println("missing", missing.StatusCode(), missing.ApplicationproblemJSON404.Code)

	limit, found := 2, 0
	params := api.ListMessagesParams{Limit: &limit}
	for {
		page := must(client.ListMessagesWithResponse(background, &params)).JSON200
		found += len(page.Data)
		if page.NextCursor == nil {
			break
		}
		params.Cursor = page.NextCursor
	}
	fmt.Println("list", found)

	conversation := must(client.ListConversationMessagesWithResponse(background, sent.ConversationId, nil)).JSON200
	bodies := []string{}
	for _, message := range conversation.Data {
		bodies = append(bodies, message.Body)
	}
	fmt.Println("conversation", strings.Join(bodies, ","))

	ticket, team := "ticket-77", api.Metadata{"team": "returns"}
	changes := api.ConversationUpdate{ExternalId: &ticket, Metadata: &team}
	changed := must(client.UpdateConversationWithResponse(background, sent.ConversationId, changes)).JSON200
	fmt.Println("external", *changed.ExternalId, changed.Metadata["team"])
	taken := must(client.UpdateConversationWithResponse(background, written.ConversationId, changes)).ApplicationproblemJSON409
	fmt.Println("taken", taken.Status, taken.Code)
	same := must(client.ListConversationsWithResponse(background, &api.ListConversationsParams{ExternalId: &ticket})).JSON200
	fmt.Println("found", same.Data[0].Id-sent.ConversationId)

	fmt.Println("events", strings.Join(events(sent.ConversationId), ","))

	disabled, types := false, api.EndpointEventTypes{"message.delivered"}
	endpoint := must(client.CreateEndpointWithResponse(background, api.NewEndpoint{
		Url: "https://receiver.example/events", Enabled: &disabled, EventTypes: &types,
	})).JSON201
	state := map[bool]string{true: "enabled", false: "disabled"}[endpoint.Enabled]
	fmt.Println("endpoint", state, endpoint.EventTypes[0], endpoint.Secret[:6])
	rotated := must(client.RotateEndpointSecretWithResponse(background, endpoint.Id)).JSON200
	if rotated.Secret == endpoint.Secret {
		panic("the secret is the same")
	}
	fmt.Println("rotated", rotated.Secret[:6])
	fmt.Println("deleted", must(client.DeleteEndpointWithResponse(background, endpoint.Id)).StatusCode())

	refused := send(sms("nowhere at all"), nil).ApplicationproblemJSON422
	fmt.Println("refused", refused.Code, (*refused.Errors)[0].Path)
	stranger := must(connect("wrong").GetMessageWithResponse(background, 1)).ApplicationproblemJSON401
	fmt.Println("stranger", stranger.Status, stranger.Code)
}
