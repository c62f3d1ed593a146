"""twilio_facts.py - what is known of Twilio's wire, as tables: the operations of its REST interface with their parameters, the
properties of its answers, its error codes, and the verbs of TwiML with their attributes. From Twilio's published API description
(version 2010-04-01) and the documentation of TwiML; tests/e2e/twilio.py holds the first two against the description where it is there.

A parameter is NAME, NAME! (required), with :KIND. Kinds: str (unless told), bool, int, num, uri, time, two letters (a SID of that kind),
a|b (one of these); a * before the kind: may be repeated."""

OPERATIONS = {
    "CreateCall": ("POST", "/Calls.json",
        "To! From! Method:GET|POST FallbackUrl:uri FallbackMethod:GET|POST StatusCallback:uri StatusCallbackEvent:*str "
        "StatusCallbackMethod:GET|POST SendDigits Timeout:int Record:bool RecordingChannels RecordingStatusCallback "
        "RecordingStatusCallbackMethod:GET|POST SipAuthUsername SipAuthPassword MachineDetection MachineDetectionTimeout:int "
        "RecordingStatusCallbackEvent:*str Trim CallerId MachineDetectionSpeechThreshold:int MachineDetectionSpeechEndThreshold:int "
        "MachineDetectionSilenceTimeout:int AsyncAmd AsyncAmdStatusCallback:uri AsyncAmdStatusCallbackMethod:GET|POST Byoc:BY "
        "CallReason CallToken RecordingTrack TimeLimit:int ClientNotificationUrl:uri Url:uri Twiml ApplicationSid:AP"),
    "ListCall": ("GET", "/Calls.json",
        "To From ParentCallSid:CA Status:queued|ringing|in-progress|completed|busy|failed|no-answer|canceled StartTime:time "
        "StartTime<:time StartTime>:time EndTime:time EndTime<:time EndTime>:time PageSize:int Page:int PageToken"),
    "FetchCall": ("GET", "/Calls/{Sid}.json",
        ""),
    "UpdateCall": ("POST", "/Calls/{Sid}.json",
        "Url:uri Method:GET|POST Status:canceled|completed FallbackUrl:uri FallbackMethod:GET|POST StatusCallback:uri "
        "StatusCallbackMethod:GET|POST Twiml TimeLimit:int"),
    "DeleteCall": ("DELETE", "/Calls/{Sid}.json",
        ""),
    "CreateCallRecording": ("POST", "/Calls/{CallSid}/Recordings.json",
        "RecordingStatusCallbackEvent:*str RecordingStatusCallback:uri RecordingStatusCallbackMethod:GET|POST Trim RecordingChannels "
        "RecordingTrack"),
    "ListCallRecording": ("GET", "/Calls/{CallSid}/Recordings.json",
        "DateCreated DateCreated< DateCreated> PageSize:int Page:int PageToken"),
    "UpdateCallRecording": ("POST", "/Calls/{CallSid}/Recordings/{Sid}.json",
        "Status!:in-progress|paused|stopped|processing|completed|absent PauseBehavior"),
    "FetchCallRecording": ("GET", "/Calls/{CallSid}/Recordings/{Sid}.json",
        ""),
    "DeleteCallRecording": ("DELETE", "/Calls/{CallSid}/Recordings/{Sid}.json",
        ""),
    "FetchConference": ("GET", "/Conferences/{Sid}.json",
        ""),
    "UpdateConference": ("POST", "/Conferences/{Sid}.json",
        "Status:completed AnnounceUrl:uri AnnounceMethod:GET|POST"),
    "ListConference": ("GET", "/Conferences.json",
        "DateCreated DateCreated< DateCreated> DateUpdated DateUpdated< DateUpdated> FriendlyName Status:init|in-progress|completed "
        "PageSize:int Page:int PageToken"),
    "UpdateParticipant": ("POST", "/Conferences/{ConferenceSid}/Participants/{CallSid}.json",
        "Muted:bool Hold:bool HoldUrl:uri HoldMethod:GET|POST AnnounceUrl:uri AnnounceMethod:GET|POST WaitUrl:uri WaitMethod:GET|POST "
        "BeepOnExit:bool EndConferenceOnExit:bool Coaching:bool CallSidToCoach:CA"),
    "FetchParticipant": ("GET", "/Conferences/{ConferenceSid}/Participants/{CallSid}.json",
        ""),
    "DeleteParticipant": ("DELETE", "/Conferences/{ConferenceSid}/Participants/{CallSid}.json",
        ""),
    "CreateParticipant": ("POST", "/Conferences/{ConferenceSid}/Participants.json",
        "From! To! StatusCallback:uri StatusCallbackMethod:GET|POST StatusCallbackEvent:*str Label Timeout:int Record:bool Muted:bool "
        "Beep StartConferenceOnEnter:bool EndConferenceOnExit:bool WaitUrl:uri WaitMethod:GET|POST EarlyMedia:bool MaxParticipants:int "
        "ConferenceRecord ConferenceTrim ConferenceStatusCallback:uri ConferenceStatusCallbackMethod:GET|POST "
        "ConferenceStatusCallbackEvent:*str RecordingChannels RecordingStatusCallback:uri RecordingStatusCallbackMethod:GET|POST "
        "SipAuthUsername SipAuthPassword Region ConferenceRecordingStatusCallback:uri ConferenceRecordingStatusCallbackMethod:GET|POST "
        "RecordingStatusCallbackEvent:*str ConferenceRecordingStatusCallbackEvent:*str Coaching:bool CallSidToCoach:CA "
        "JitterBufferSize Byoc:BY CallerId CallReason RecordingTrack TimeLimit:int MachineDetection MachineDetectionTimeout:int "
        "MachineDetectionSpeechThreshold:int MachineDetectionSpeechEndThreshold:int MachineDetectionSilenceTimeout:int "
        "AmdStatusCallback:uri AmdStatusCallbackMethod:GET|POST Trim CallToken ClientNotificationUrl:uri CallerDisplayName"),
    "ListParticipant": ("GET", "/Conferences/{ConferenceSid}/Participants.json",
        "Muted:bool Hold:bool Coaching:bool PageSize:int Page:int PageToken"),
    "CreateMessage": ("POST", "/Messages.json",
        "To! StatusCallback:uri ApplicationSid:AP MaxPrice:num ProvideFeedback:bool Attempt:int ValidityPeriod:int ForceDelivery:bool "
        "ContentRetention:retain|discard AddressRetention:retain|obfuscate SmartEncoded:bool PersistentAction:*str TrafficType:free "
        "ShortenUrls:bool ScheduleType:fixed SendAt:time SendAsMms:bool ContentVariables RiskCheck:enable|disable From FallbackFrom "
        "MessagingServiceSid:MG Body MediaUrl:*uri ContentSid:HX"),
    "FetchMessage": ("GET", "/Messages/{Sid}.json",
        ""),
    "ListMessage": ("GET", "/Messages.json",
        "To From DateSent:time DateSent<:time DateSent>:time PageSize:int Page:int PageToken"),
    "UpdateMessage": ("POST", "/Messages/{Sid}.json",
        "Body Status:canceled"),
    "DeleteMessage": ("DELETE", "/Messages/{Sid}.json",
        ""),
    "FetchRecording": ("GET", "/Recordings/{Sid}.json",
        "IncludeSoftDeleted:bool"),
    "DeleteRecording": ("DELETE", "/Recordings/{Sid}.json",
        ""),
    "ListRecording": ("GET", "/Recordings.json",
        "DateCreated:time DateCreated<:time DateCreated>:time CallSid:CA ConferenceSid:CF IncludeSoftDeleted:bool PageSize:int "
        "Page:int PageToken"),
    "CreateStream": ("POST", "/Calls/{CallSid}/Streams.json",
        "Url!:uri Name Track:inbound_track|outbound_track|both_tracks StatusCallback:uri StatusCallbackMethod:GET|POST"),
    "UpdateStream": ("POST", "/Calls/{CallSid}/Streams/{Sid}.json",
        "Status!:stopped"),
    "FetchQueue": ("GET", "/Queues/{Sid}.json",
        ""),
    "ListQueue": ("GET", "/Queues.json",
        "PageSize:int Page:int PageToken"),
    "UpdateMember": ("POST", "/Queues/{QueueSid}/Members/{CallSid}.json",
        "Url!:uri Method:GET|POST"),
    "FetchMember": ("GET", "/Queues/{QueueSid}/Members/{CallSid}.json",
        ""),
    "ListMember": ("GET", "/Queues/{QueueSid}/Members.json",
        "PageSize:int Page:int PageToken"),
}

SHAPES = {
    "call":
        "sid date_created date_updated parent_call_sid account_sid to to_formatted from from_formatted phone_number_sid status "
        "start_time end_time duration price price_unit direction answered_by api_version forwarded_from group_sid caller_name "
        "queue_time trunk_sid uri subresource_uris",
    "call.call_recording":
        "account_sid api_version call_sid conference_sid date_created date_updated start_time duration sid price uri "
        "encryption_details price_unit status channels source error_code track",
    "conference":
        "account_sid date_created date_updated api_version friendly_name region sid status uri subresource_uris "
        "reason_conference_ended call_sid_ending_conference",
    "conference.participant":
        "account_sid call_sid label call_sid_to_coach coaching conference_sid date_created date_updated end_conference_on_exit muted "
        "hold start_conference_on_enter status queue_time uri",
    "message":
        "body num_segments direction from to date_updated price error_message uri account_sid num_media status messaging_service_sid "
        "sid date_sent date_created error_code price_unit api_version subresource_uris",
    "call.stream":
        "sid account_sid call_sid name status date_updated uri",
    "recording":
        "account_sid api_version call_sid conference_sid date_created date_updated start_time duration sid price price_unit status "
        "channels source error_code uri encryption_details subresource_uris media_url",
    "queue":
        "date_updated current_size friendly_name uri account_sid average_wait_time sid date_created max_size",
    "queue.member":
        "call_sid date_enqueued position uri wait_time queue_sid",
}

# HTTP status and message of the error codes that the fake gives.
ERRORS = {
    20001: (400, "Bad request"), 20003: (401, "Authenticate"), 20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"), 20429: (429, "Too Many Requests"), 20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"), 21201: (400, "No 'To' number is specified"), 21205: (400, "Url is not a valid URL"),
    21211: (400, "Invalid 'To' Phone Number"), 21212: (400, "Invalid 'From' Phone Number"), 21213: (400, "'From' phone number is required"),
    21218: (400, "Invalid ApplicationSid or no Url, Twiml"), 21220: (400, "Call is not in-progress. Cannot redirect."),
    21602: (400, "Message body is required"), 21604: (400, "'To' phone number is required"), 21617: (400, "The message body exceeds 1600 characters"),
    21626: (400, "Invalid StatusCallbackEvents"),
}

CALL_EVENTS = ("initiated", "ringing", "answered", "completed")
RECORDING_EVENTS = ("in-progress", "completed", "absent")
CONFERENCE_EVENTS = ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement")
OVER = ("completed", "busy", "failed", "no-answer", "canceled")

# Verbs and nouns: (what may stand in it, is text allowed, its attributes). Attribute kinds as above, and: wss, events (words), dtmf,
# +int (from 0), any. In the words of a|b a + is a space.
_RECORDING = "recordingStatusCallback:uri recordingStatusCallbackMethod:GET|POST recordingStatusCallbackEvent:events trim:trim-silence|do-not-trim "
_LEG = "url:uri method:GET|POST statusCallback:uri statusCallbackMethod:GET|POST statusCallbackEvent:events "
_AMD = "machineDetection:Enable|DetectMessageEnd machineDetectionTimeout:+int machineDetectionSpeechThreshold:+int " \
       "machineDetectionSpeechEndThreshold:+int machineDetectionSilenceTimeout:+int amdStatusCallback:uri amdStatusCallbackMethod:GET|POST "
TWIML = {
    "Response": ("Connect Dial Enqueue Gather Hangup Leave Pause Play Record Redirect Refer Reject Say Start Stop", False, ""),
    "Say": ("", True, "voice language loop:+int"),
    "Play": ("", True, "loop:+int digits:dtmf"),
    "Pause": ("", False, "length:+int"),
    "Gather": ("Say Play Pause", False,
               "input:dtmf|speech|dtmf+speech|speech+dtmf action:uri method:GET|POST timeout:+int speechTimeout maxSpeechTime:+int "
               "numDigits:+int finishOnKey language hints profanityFilter:bool bargeIn:bool actionOnEmptyResult:bool speechModel "
               "enhanced:bool partialResultCallback:uri partialResultCallbackMethod:GET|POST debug:bool"),
    "Dial": ("Number Client Sip Queue Conference", True,
             "action:uri method:GET|POST timeout:+int hangupOnStar:bool timeLimit:+int callerId answerOnBridge:bool ringTone "
             "record:do-not-record|record-from-answer|record-from-ringing|record-from-answer-dual|record-from-ringing-dual|true|false "
             "recordingTrack:inbound|outbound|both sequential:bool referUrl:uri referMethod:GET|POST events " + _RECORDING),
    "Number": ("", True, "sendDigits:dtmf byoc " + _LEG + _AMD),
    "Client": ("Parameter", True, _LEG),
    "Sip": ("", True, "username password " + _LEG + _AMD),
    "Queue": ("", True, "url:uri method:GET|POST reservationSid postWorkActivitySid"),
    "Conference": ("", True,
                   "muted:bool beep:true|false|onEnter|onExit startConferenceOnEnter:bool endConferenceOnExit:bool waitUrl:uri "
                   "waitMethod:GET|POST maxParticipants:+int record:do-not-record|record-from-start coach participantLabel region "
                   "jitterBufferSize eventCallbackUrl:uri statusCallback:uri statusCallbackMethod:GET|POST statusCallbackEvent:events "
                   + _RECORDING),
    "Record": ("", False, "action:uri method:GET|POST timeout:+int finishOnKey maxLength:+int playBeep:bool transcribe:bool "
                          "transcribeCallback:uri " + _RECORDING),
    "Redirect": ("", True, "method:GET|POST"),
    "Enqueue": ("Task", True, "action:uri method:GET|POST waitUrl:uri waitUrlMethod:GET|POST maxQueueSize:+int workflowSid"),
    "Leave": ("", False, ""),
    "Hangup": ("", False, ""),
    "Reject": ("", False, "reason:rejected|busy"),
    "Connect": ("Stream ConversationRelay", False, "action:uri method:GET|POST"),
    "Start": ("Stream", False, "action:uri method:GET|POST"),
    "Stop": ("Stream", False, ""),
    "Stream": ("Parameter", False, "url:wss name track:inbound_track|outbound_track|both_tracks statusCallback:uri "
                                   "statusCallbackMethod:GET|POST"),
    "Parameter": ("", False, "name! value!"),
    "Refer": ("ReferSip", False, "action:uri method:GET|POST"),
    "ReferSip": ("", True, ""),
    "Task": ("", True, "priority:+int timeout:+int"),
    "ConversationRelay": ("Language Parameter", False,
                          "url:wss welcomeGreeting language ttsProvider voice transcriptionProvider speechModel dtmfDetection:bool "
                          "interruptible:none|dtmf|speech|any|true|false preemptible:bool partialPrompts:bool hints"),
    "Language": ("", False, "code! ttsProvider voice transcriptionProvider speechModel"),
}
